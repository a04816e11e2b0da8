"""SageMaker training, really: one isolated node per instance, with the whole container contract."""
