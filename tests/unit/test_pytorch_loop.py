"""The loop around the steps: what it says, and when."""

import argparse
from types import SimpleNamespace
from typing import Any

import pytest

from training.pytorch.loop import Loop


class Told(Exception):
    """Stands for leaving after a save."""


class Checkpoints:
    """Go on after a step, and leave after another."""

    blocked_seconds = 0.0

    def restore(self) -> int:
        return 3

    def after_step(self, step: int) -> None:
        if step == 5:
            raise Told


class Metrics:
    """Keeps what is reported."""

    def __init__(self) -> None:
        self.losses: dict[int, float] = {}

    def log(self, step: int, **values: float) -> None:
        self.losses[step] = values["loss"]


def test_the_step_after_which_a_run_leaves_has_been_reported() -> None:
    metrics = Metrics()
    parts: dict[str, Any] = {
        "options": argparse.Namespace(log_steps=1),
        "ranks": SimpleNamespace(device=SimpleNamespace(type="cpu")),
        "metrics": metrics,
        "checkpoints": Checkpoints(),
    }
    loop = Loop(**parts, steps=9, steps_per_epoch=9, unit="samples", samples_ranks=1)
    with pytest.raises(Told):
        for step in loop:
            loop.done(samples=1, loss=lambda step=step: step / 10)
    assert metrics.losses == {4: 0.4, 5: 0.5}
