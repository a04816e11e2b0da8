"""The former name of `training.pytorch.parallel.plan`, which jobs and programs may still use."""

from training.pytorch.parallel.plan import Plan

__all__ = ["Plan"]
