"""Nodes as containers of their real image, where this machine has a Docker daemon."""
