"""Starts the build of an image that is not there."""
