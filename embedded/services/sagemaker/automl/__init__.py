"""SageMaker's AutoML jobs for tables. AWS's own cannot be had here: `training.automl` stands in, and says so."""
