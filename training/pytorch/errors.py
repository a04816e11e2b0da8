"""What is refused before anything is trained, and would be refused again."""


class Unfit(ValueError):
    """Checkpoints cannot be kept or used as asked; the message says why and what to change."""
