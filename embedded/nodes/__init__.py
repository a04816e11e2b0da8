"""Runs any container in a cell: isolation, images, channels, logs and copying folders to S3."""
