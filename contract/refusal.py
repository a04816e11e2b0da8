"""What a program raises when it was asked for what cannot be."""


class Refused(ValueError):
    """A request that no restart can heal; the message says why and what to change."""
