"""What both sides of a container's wall agree on. Standard library only; it imports no other room."""
