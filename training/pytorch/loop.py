"""The training loop: resumes, checkpoints and reports. The step itself is the caller's.

with checkpoints:
    for step in loop:
        with loop.waiting_for_data():
            batch = next(batches)
        ...
        loop.done(samples=len(batch), loss=loss.item)
"""

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from training.pytorch.checkpoint.checkpointer import Checkpointer
from training.pytorch.hardware import wait_for_device
from training.pytorch.models.flops import Peak, peak_flops
from training.pytorch.process_group import Ranks
from training.pytorch.reporting.metrics import Metrics, peak_memory_bytes


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


def steps_in(options: argparse.Namespace, steps_per_epoch: int) -> int:
    """How many steps a run has by its options: `--max_steps`, or else whole epochs."""
    return int(options.epochs * steps_per_epoch if options.max_steps is None else options.max_steps)


class Loop:
    """Iterates over the numbers of the steps that are still to do.

    Each report counts what was done since the one before. When a run is interrupted, its last save is not reported.
    """

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
        self._options, self._ranks, self._metrics, self.checkpoints = options, ranks, metrics, checkpoints
        self._steps, self._steps_per_epoch, self._of = steps, steps_per_epoch, samples
        self._samples, self._data_seconds, self._checkpoint_mark = 0, 0.0, 0.0
        self._loss: Callable[[], float] | None = None
        self._peak: Peak | None = None
        self._since = time.monotonic()

    def __iter__(self) -> Iterator[int]:
        step = self.checkpoints.restore()
        if step >= self._steps:
            return
        self._find_peak()
        self._since = time.monotonic()
        while step < self._steps:
            step += 1
            yield step
            # Before the save: an interrupted run leaves from there, and this step is not done again.
            if step % self._options.log_steps == 0 or step == self._steps:
                self._report(step)
            self.checkpoints.after_step(step)
        self.checkpoints.finish()
        self._metrics.log(step, checkpoint_seconds=self._take_checkpoint_seconds())

    def epoch(self, step: int) -> int:
        """The epoch, from 0, that a step belongs to."""
        return (step - 1) // self._steps_per_epoch

    def ends_epoch(self, step: int) -> bool:
        """Whether an epoch, or the run, ends with this step."""
        return step % self._steps_per_epoch == 0 or step == self._steps

    @contextmanager
    def waiting_for_data(self) -> Iterator[None]:
        """Count what is inside as time lost to data."""
        started = time.monotonic()
        yield
        self._data_seconds += time.monotonic() - started

    def done(self, *, samples: int, loss: Callable[[], float]) -> None:
        """A step is done; its loss is asked for only when it is printed, on every rank."""
        self._samples += samples
        self._loss = loss

    def _find_peak(self) -> None:
        """Print once what `mfu` is a share of: without it the figure means nothing."""
        if self._of.flops_each:
            self._peak = peak_flops(self._ranks.device, self._of.dtype)
            if self._ranks.is_first:
                print(f"mfu is the share of {self._peak}", flush=True)

    def _report(self, step: int) -> None:
        wait_for_device(self._ranks.device)
        elapsed = time.monotonic() - self._since
        rate = self._samples * self._of.ranks / elapsed
        values: dict[str, float] = {"total_steps": self._steps, "epoch": self.epoch(step)}
        if self._loss is not None:
            values["loss"] = self._loss()
        values[f"{self._of.unit}_per_second"] = rate
        if self._peak is not None:
            values["mfu"] = rate * self._of.flops_each / (self._peak.flops * self._ranks.world_size)
        values["data_seconds"] = self._data_seconds
        values["checkpoint_seconds"] = self._take_checkpoint_seconds()
        values["peak_memory_bytes"] = peak_memory_bytes(self._ranks.device)
        self._metrics.log(step, **values)
        self._samples, self._data_seconds = 0, 0.0
        self._since = time.monotonic()

    def _take_checkpoint_seconds(self) -> float:
        """What saves have cost since the last time that this was asked."""
        before, self._checkpoint_mark = self._checkpoint_mark, self.checkpoints.blocked_seconds
        return self._checkpoint_mark - before
