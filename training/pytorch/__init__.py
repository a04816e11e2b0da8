"""PyTorch on many nodes: process groups, plans, checkpoints, models. Importing this package imports nothing."""
