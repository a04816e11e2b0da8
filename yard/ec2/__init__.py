"""`yard advise --where`: SageMaker, or an EC2 instance with a Deep Learning AMI; and the template for the latter."""
