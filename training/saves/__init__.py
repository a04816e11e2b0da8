"""What S3 holds of a node's checkpoints, and how it gets what it lacks. Knows no framework; boto3 does the talking."""
