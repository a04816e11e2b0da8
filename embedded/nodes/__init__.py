"""Runs any container in a cell: isolation, images, channels, logs and the copying of folders to S3."""
