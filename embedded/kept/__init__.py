"""What outlives the cloud's process: a snapshot of everything, taken in quiet moments and at the end."""
