"""Tasks of SageMaker, which moto does not have: what they take, and how they hear that a job has ended."""
