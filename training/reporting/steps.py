"""The training loop of every framework: resumes, checkpoints and reports. The step itself is the caller's.

with checkpoints:
    for step in loop:
        with loop.waiting_for_data():
            batch = next(batches)
        ...
        loop.done(samples=len(batch), loss=loss.item)
"""

import argparse
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from training.reporting.metrics import Metrics
from training.saves.keeper import Keeper


def steps_in(options: argparse.Namespace, steps_per_epoch: int) -> int:
    """How many steps a run has by its options: `--max_steps`, or else whole epochs."""
    return int(options.epochs * steps_per_epoch if options.max_steps is None else options.max_steps)


KeeperT = TypeVar("KeeperT", bound=Keeper)


class Steps(Generic[KeeperT]):
    """Iterates over the numbers of the steps that are still to do.

    Each report counts what was done since the one before. When a run is interrupted, its last save is not reported.
    """

    def __init__(
        self,
        options: argparse.Namespace,
        *,
        metrics: Metrics,
        checkpoints: KeeperT,
        steps: int,
        steps_per_epoch: int,
        unit: str,
        parts: int,
    ) -> None:
        """`unit` is what samples are called in the metric `<unit>_per_second`; `parts` is how many members of the job
        have samples of their own: all of them, unless some share a model."""
        self._options, self._metrics, self.checkpoints = options, metrics, checkpoints
        self._steps, self._steps_per_epoch, self._unit, self._parts = steps, steps_per_epoch, unit, parts
        self._samples, self._data_seconds, self._checkpoint_mark = 0, 0.0, 0.0
        self._loss: Callable[[], float] | None = None
        self._since = time.monotonic()

    def __iter__(self) -> Iterator[int]:
        step = self.checkpoints.restore()
        if step >= self._steps:
            return
        self._begin()
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

    def _begin(self) -> None:
        """Nothing by itself: what is to be said once, before the first step."""

    def _wait_for_device(self) -> None:
        """Nothing by itself: until what was computed is there."""

    def _peak_memory_bytes(self) -> int:
        """The most memory that was used at once: the process's own."""
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    def _shares(self, rate: float) -> dict[str, float]:
        """Nothing by itself: what a rate is a share of."""
        return {}

    def _report(self, step: int) -> None:
        self._wait_for_device()
        elapsed = time.monotonic() - self._since
        rate = self._samples * self._parts / elapsed
        values: dict[str, float] = {"total_steps": self._steps, "epoch": self.epoch(step)}
        if self._loss is not None:
            values["loss"] = self._loss()
        values[f"{self._unit}_per_second"] = rate
        values.update(self._shares(rate))
        values["data_seconds"] = self._data_seconds
        values["checkpoint_seconds"] = self._take_checkpoint_seconds()
        values["peak_memory_bytes"] = self._peak_memory_bytes()
        self._metrics.log(step, **values)
        self._samples, self._data_seconds = 0, 0.0
        self._since = time.monotonic()

    def _take_checkpoint_seconds(self) -> float:
        """What saves have cost since the last time that this was asked."""
        before, self._checkpoint_mark = self._checkpoint_mark, self.checkpoints.blocked_seconds
        return self._checkpoint_mark - before
