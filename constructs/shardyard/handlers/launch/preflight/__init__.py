"""Checks a launch before anything is paid for, and builds its request."""
