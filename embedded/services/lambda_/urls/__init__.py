"""Lambda's function URLs: addresses at which a function answers plain HTTP."""
