"""The refusal of a checkpoint that does not fit this run."""

from contract.refusal import Refused


class Unfit(Refused):
    """Checkpoints cannot be kept or used as asked; the message says why and what to change."""
