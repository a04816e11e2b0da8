"""Custom resource: starts jobs on deploy."""
