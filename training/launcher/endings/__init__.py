"""How a program ended: the reason, for people and for the service."""
