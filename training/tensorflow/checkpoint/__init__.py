"""Checkpoints: a directory per save, a manifest written last, an atomic pointer; the format is training.saves'."""

from training.tensorflow.checkpoint.checkpointer import Checkpointer

__all__ = ["Checkpointer"]
