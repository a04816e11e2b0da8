"""The grid of ranks that a plan says, whose groups keep the run's time-out.

torch's own `init_device_mesh` gives every group smaller than the world its default of half an hour (ten minutes on
GPUs): a rank that hangs under tensor parallelism or HSDP would be noticed only then.
"""

from collections.abc import Mapping
from datetime import timedelta

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import DeviceMesh

from training.pytorch.process_group import Ranks


def make_grid(shape: Mapping[str, int], ranks: Ranks) -> DeviceMesh:
    """The grid with these dimensions, by name, the last one being neighbours; call it on all ranks."""
    grid = torch.arange(ranks.world_size).view(*shape.values())
    groups = [_own_group(grid.movedim(dimension, -1), ranks) for dimension in range(grid.ndim)]
    return DeviceMesh.from_group(groups, ranks.device.type, mesh=grid, mesh_dim_names=tuple(shape))


def _own_group(lines: torch.Tensor, ranks: Ranks) -> dist.ProcessGroup:
    """Make a group of each line of ranks, as all ranks must; returns the one that this rank is in."""
    if lines.shape[-1] == ranks.world_size:
        return dist.group.WORLD
    timeout = timedelta(seconds=ranks.first_step_seconds + ranks.patience_seconds)
    own = None
    for line in lines.reshape(-1, lines.shape[-1]).tolist():
        group = dist.new_group(line, timeout=timeout)
        own = group if ranks.rank in line else own
    assert own is not None
    return own
