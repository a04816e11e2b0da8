"""SageMaker's hyperparameter tuning, really: searches over the embedded cloud's own training jobs."""
