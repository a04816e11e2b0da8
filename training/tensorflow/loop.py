"""The training loop: resumes, checkpoints and reports. The step itself is the caller's.

with checkpoints:
    for step in loop:
        with loop.waiting_for_data():
            batch = next(batches)
        ...
        loop.done(samples=len(batch), loss=lambda: float(loss))
"""

import argparse

import tensorflow as tf

from training.reporting.metrics import Metrics
from training.reporting.steps import Steps, steps_in
from training.tensorflow.checkpoint.checkpointer import Checkpointer
from training.tensorflow.hardware import local_gpus
from training.tensorflow.parallel.workers import Workers

__all__ = ["Loop", "steps_in"]


class Loop(Steps[Checkpointer]):
    """Iterates over the numbers of the steps that are still to do."""

    def __init__(
        self,
        options: argparse.Namespace,
        *,
        workers: Workers,
        metrics: Metrics,
        checkpoints: Checkpointer,
        steps: int,
        steps_per_epoch: int,
        unit: str = "samples",
    ) -> None:
        super().__init__(
            options,
            metrics=metrics,
            checkpoints=checkpoints,
            steps=steps,
            steps_per_epoch=steps_per_epoch,
            unit=unit,
            # With parameter servers one process counts the samples of all
            parts=workers.world.world_size,
        )
        self._workers = workers

    def _wait_for_device(self) -> None:
        if self._workers.coordinator is not None:
            self._workers.coordinator.join()

    def _peak_memory_bytes(self) -> int:
        if local_gpus():
            return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])
        return super()._peak_memory_bytes()
