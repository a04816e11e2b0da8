"""What the cloud's owner does to running jobs: faults on demand, visits."""
