"""The training loop: resumes, checkpoints and reports. The step itself is the caller's.

with checkpoints:
    for step in loop:
        with loop.waiting_for_data():
            batch = next(batches)
        ...
        loop.done(samples=len(batch), loss=loss.item)
"""

import argparse
from dataclasses import dataclass

import torch

from training.pytorch.checkpoint.checkpointer import Checkpointer
from training.pytorch.hardware import peak_memory_bytes, wait_for_device
from training.pytorch.models.flops import Peak, peak_flops
from training.pytorch.process_group import Ranks
from training.reporting.metrics import Metrics
from training.reporting.steps import Steps, steps_in

__all__ = ["Loop", "Samples", "steps_in"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Samples:
    """What a program counts when it counts samples."""

    unit: str
    """What they are called in the metric `<unit>_per_second`."""

    ranks: int
    """How many ranks have samples of their own: all of them, unless some share a model."""

    flops_each: float = 0.0
    """Forward and backward: what `mfu` is computed from. 0 leaves it out."""

    dtype: torch.dtype = torch.float32
    """What the model computes in: `mfu` is a share of what the ranks could reach in it."""


class Loop(Steps[Checkpointer]):
    """Iterates over the numbers of the steps that are still to do."""

    def __init__(
        self,
        options: argparse.Namespace,
        *,
        ranks: Ranks,
        metrics: Metrics,
        checkpoints: Checkpointer,
        steps: int,
        steps_per_epoch: int,
        samples: Samples,
    ) -> None:
        super().__init__(
            options,
            metrics=metrics,
            checkpoints=checkpoints,
            steps=steps,
            steps_per_epoch=steps_per_epoch,
            unit=samples.unit,
            parts=samples.ranks,
        )
        self._ranks, self._of = ranks, samples
        self._peak: Peak | None = None

    def _begin(self) -> None:
        """Print once what `mfu` is a share of: without it the figure means nothing."""
        if self._of.flops_each:
            self._peak = peak_flops(self._ranks.device, self._of.dtype)
            if self._ranks.is_first:
                print(f"mfu is the share of {self._peak}", flush=True)

    def _wait_for_device(self) -> None:
        wait_for_device(self._ranks.device)

    def _peak_memory_bytes(self) -> int:
        return peak_memory_bytes(self._ranks.device)

    def _shares(self, rate: float) -> dict[str, float]:
        if self._peak is None:
            return {}
        return {"mfu": rate * self._of.flops_each / (self._peak.flops * self._ranks.world_size)}
