"""Checkpoints, whatever the framework: how they lie on a disk and in S3, and how S3 gets what it lacks."""
