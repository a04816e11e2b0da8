"""What a run reports: metrics, TensorBoard files, MLflow. Knows no framework."""
