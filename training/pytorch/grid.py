"""The former name of `training.pytorch.parallel.grid`, which jobs and programs may still use."""

from training.pytorch.parallel.grid import make_grid

__all__ = ["make_grid"]
