"""What checkpoints refuse. Other refusals stand with what refuses: `plan`, `hardware`, `training.data.errors`."""


class Unfit(ValueError):
    """Checkpoints cannot be kept or used as asked; the message says why and what to change."""
