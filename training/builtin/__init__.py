"""What stands in for SageMaker's built-in algorithms: the same channels, hyperparameters and metrics, open packages."""
