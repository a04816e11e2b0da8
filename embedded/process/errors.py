"""What the cloud's life can refuse."""


class CloudError(Exception):
    """The cloud cannot do what was asked; the message says why and what to do."""
