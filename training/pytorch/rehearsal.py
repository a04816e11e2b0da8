"""The former name of `training.pytorch.programs.rehearsal`, which jobs and programs may still use."""

from training.pytorch.programs.rehearsal import rehearse

__all__ = ["rehearse"]
