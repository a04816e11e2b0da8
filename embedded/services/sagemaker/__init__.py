"""SageMaker: jobs that really run, notebooks, models, tags."""
