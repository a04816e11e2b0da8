"""Checkpoints: a directory per save, a manifest written last, an atomic pointer."""

from training.pytorch.checkpoint.checkpointer import Checkpointer

__all__ = ["Checkpointer"]
