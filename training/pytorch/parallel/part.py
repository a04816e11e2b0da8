"""One rank's part of a model, whatever the model is."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.distributed.device_mesh import DeviceMesh

from training.pytorch.parallel.plan import Plan


@dataclass(frozen=True, kw_only=True, slots=True)
class Parallel:
    """One rank's part of a model, and its place in the plan's grid."""

    model: nn.Module
    """The part itself: what the optimizer and the checkpoints work with."""
    forward: nn.Module
    """What to call: the part, or its wrapper for data parallelism."""
    plan: Plan
    mesh: DeviceMesh | None
    """The grid of ranks; None with a single process."""
    stage: int
    """The pipeline stage."""
    data_rank: int
    """Which part of the data this rank takes: equal on ranks that share tensors or a pipeline."""
    data_size: int
    """The number of parts."""
    dtype: torch.dtype
