"""One step under any plan: forward, backward, synchronise once, clip."""

import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.fsdp import FSDPModule
from torch.distributed.pipelining import PipelineStage, Schedule1F1B
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel

from training.pytorch.parallel.part import Parallel
from training.pytorch.process_group import Ranks

Batch = tuple[Tensor, Tensor]
Loss = Callable[[Tensor, Tensor], Tensor]


class Stepper:
    """Computes the gradients of a step, however the model is spread."""

    def __init__(self, parallel: Parallel, loss: Loss, ranks: Ranks) -> None:
        self._parallel, self._loss, self._ranks = parallel, loss, ranks
        self._stages = parallel.plan.pipeline_parallel
        self._schedule = self._make_schedule() if self._stages > 1 else None

    def gradients(self, batches: Sequence[Batch]) -> Tensor:
        """Forward and backward of one or more batches, their gradients summed; returns this rank's mean loss.

        In a pipeline only the last stage knows the loss; the others return 0.
        """
        if self._schedule is not None:
            (batch,) = batches
            return self._pipeline(batch)
        total = torch.zeros((), device=self._ranks.device)
        for index, (inputs, targets) in enumerate(batches):
            with self._synchronised(last=index == len(batches) - 1):
                with self._autocast():
                    loss = self._loss(self._parallel.forward(inputs), targets) / len(batches)
                loss.backward()
            total += loss.detach()
        return total

    def clip(self) -> Tensor:
        """Clip the gradients of the whole model to the plan's norm; returns the norm before."""
        return clip_gradients(self._parallel.model.parameters(), self._parallel.plan.clip_norm, stages=self._stages)

    def mean_loss(self, loss: Tensor) -> float:
        """The mean over all data of the step; every rank must ask."""
        if self._ranks.world_size == 1:
            return float(loss)
        holders = self._ranks.world_size // self._stages
        total = loss.detach().double() / holders
        dist.all_reduce(total)
        return float(total)

    def _synchronised(self, *, last: bool) -> AbstractContextManager[None]:
        """Leave out the exchange of gradients for all batches but the last of a step."""
        forward = self._parallel.forward
        if isinstance(forward, FSDPModule):
            forward.set_requires_gradient_sync(last)
        keeps_back = isinstance(forward, DistributedDataParallel) and not last
        context: AbstractContextManager[None] = forward.no_sync() if keeps_back else nullcontext()
        return context

    def _autocast(self) -> AbstractContextManager[None]:
        sharded = isinstance(self._parallel.forward, FSDPModule)  # casts by its own policy
        wanted = self._parallel.dtype != torch.float32 and not sharded
        device = self._ranks.device.type
        context: AbstractContextManager[None] = (
            torch.autocast(device, dtype=self._parallel.dtype) if wanted else nullcontext()
        )
        return context

    def _make_schedule(self) -> Schedule1F1B:
        parallel = self._parallel
        assert parallel.mesh is not None
        stage = PipelineStage(
            parallel.forward,
            parallel.stage,
            self._stages,
            self._ranks.device,
            group=parallel.mesh.get_group("pipeline"),
        )
        return Schedule1F1B(stage, parallel.plan.batch_parts, loss_fn=self._loss)

    def _pipeline(self, batch: Batch) -> Tensor:
        assert self._schedule is not None
        inputs, targets = batch
        losses: list[Tensor] = []
        with self._autocast():
            if self._parallel.stage == 0:
                self._schedule.step(inputs)
            elif self._parallel.stage == self._stages - 1:
                self._schedule.step(target=targets, losses=losses)
            else:
                self._schedule.step()
        return torch.stack(losses).mean().detach() if losses else torch.zeros((), device=self._ranks.device)


@torch.no_grad()
def clip_gradients(parameters: Iterable[nn.Parameter], max_norm: float | None, *, stages: int = 1) -> Tensor:
    """Scale the gradients so that their norm over the whole model is at most `max_norm`; returns the norm before.

    All ranks together hold one model, its layers cut into as many `stages` of a pipeline. Every piece of a gradient is
    counted once, though several ranks hold it. torch's own clip_grad_norm_ does not know of pipelines, nor of
    parameters on different meshes.
    """
    with_gradient = [parameter for parameter in parameters if parameter.grad is not None]
    local = [_local(parameter.grad) for parameter in with_gradient]
    shards = [_shards(parameter.grad) for parameter in with_gradient]
    spread = stages > 1 or any(count > 1 for count in shards)
    squares = torch.stack(torch._foreach_norm(local)).double() ** 2
    if spread:
        stage_ranks = dist.get_world_size() // stages
        squares = squares * (torch.tensor(shards, dtype=torch.float64, device=squares.device) / stage_ranks)
    total = squares.sum()
    if spread:
        dist.all_reduce(total)
    norm = total.sqrt()
    if max_norm is not None:
        scale = (max_norm / (norm + 1e-6)).clamp(max=1.0)
        torch._foreach_mul_(local, scale.to(local[0].dtype))
    return norm


def _local(gradient: Tensor) -> Tensor:
    return gradient.to_local() if isinstance(gradient, DTensor) else gradient


def _shards(gradient: Tensor) -> int:
    """How many different pieces a gradient is cut into."""
    if not isinstance(gradient, DTensor):
        return 1
    # FSDP over tensor parallel shards in strides, and a strided shard is no `Shard`
    cut = [dimension for dimension, placement in enumerate(gradient.placements) if not placement.is_replicate()]
    return math.prod(gradient.device_mesh.size(dimension) for dimension in cut)
