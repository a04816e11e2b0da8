"""What makes DistributedDataParallel sum gradients in the same order after a restart as before it."""

from collections.abc import Callable

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel


def rehearse(model: nn.Module, forward_and_backward: Callable[[], object]) -> None:
    """Run one batch without learning from it; call it before the first step of every start, on all ranks.

    DDP groups gradients anew after its first backward pass. With more than two ranks that changes the order of
    summation, so the first step of a resumed run would differ in the last bit from the same step of an undisturbed
    run. Other models, and two ranks, need no rehearsal and get none.
    """
    if not isinstance(model, DistributedDataParallel) or dist.get_world_size() <= 2:
        return
    buffers = [buffer.clone() for buffer in model.buffers()]
    with torch.random.fork_rng():
        forward_and_backward()
    for buffer, before in zip(model.buffers(), buffers, strict=True):
        buffer.copy_(before)
    model.zero_grad(set_to_none=True)
