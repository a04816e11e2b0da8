"""AutoML against a grid by hand."""
