"""What the labs' cells use: `from labs.frame import Lab`."""

from labs.frame.lab import Lab

__all__ = ["Lab"]
