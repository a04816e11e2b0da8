"""What a run reports: metrics, TensorBoard files, MLflow."""
