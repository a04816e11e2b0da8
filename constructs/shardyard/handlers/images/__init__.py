"""Handlers that have images built, and tell CloudFormation how that ended."""
