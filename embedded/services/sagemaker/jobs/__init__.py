"""What every kind of SageMaker job shares."""
