"""Every request against botocore's model of its service: what the service refuses before it looks at anything else."""
