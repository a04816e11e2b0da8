"""The loop around the steps: what it says, and when."""

import argparse
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from training.pytorch import loop as loop_module
from training.pytorch.loop import Loop, Samples
from training.pytorch.models.flops import Peak
from training.reporting import steps as steps_module


class Told(Exception):
    """Stands for leaving after a save."""


class Clock:
    """Stands until somebody takes time."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def monotonic(self) -> float:
        return self.seconds


class Checkpoints:
    """Half a second after every step, two at the end; leaves after a step that is named."""

    def __init__(self, clock: Clock, *, start: int = 0, leaves_after: int | None = None) -> None:
        self._clock, self._start, self._leaves_after = clock, start, leaves_after
        self.blocked_seconds = 0.0

    def restore(self) -> int:
        self._clock.seconds += 50
        return self._start

    def after_step(self, step: int) -> None:
        if step == self._leaves_after:
            raise Told
        self._block(0.5)

    def finish(self) -> bool:
        self._block(2.0)
        return True

    def _block(self, seconds: float) -> None:
        self._clock.seconds += seconds
        self.blocked_seconds += seconds


class Metrics:
    """Keeps what is reported."""

    def __init__(self) -> None:
        self.lines: list[dict[str, float]] = []

    def log(self, step: int, **values: float) -> None:
        self.lines.append({"step": step, **values})


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(steps_module, "time", clock)
    return clock


def make_loop(checkpoints: Checkpoints, **changes: object) -> tuple[Loop, Metrics]:
    metrics = Metrics()
    parts: dict[str, Any] = {
        "options": argparse.Namespace(log_steps=2),
        "ranks": SimpleNamespace(device=torch.device("cpu"), world_size=4, is_first=True),
        "metrics": metrics,
        "checkpoints": checkpoints,
        "steps": 5,
        "steps_per_epoch": 2,
        "samples": Samples(unit="tokens", ranks=2),
    }
    return Loop(**{**parts, **changes}), metrics


def train(loop: Loop, clock: Clock) -> None:
    """Steps of a quarter of a second for eight samples and one second to learn from them."""
    for step in loop:
        with loop.waiting_for_data():
            clock.seconds += 0.25
        clock.seconds += 1.0
        loop.done(samples=8, loss=lambda step=step: step / 10)


def test_the_step_after_which_a_run_leaves_has_been_reported(clock: Clock) -> None:
    checkpoints = Checkpoints(clock, start=3, leaves_after=4)
    loop, metrics = make_loop(checkpoints)
    with pytest.raises(Told):
        train(loop, clock)
    assert [(line["step"], line["loss"]) for line in metrics.lines] == [(4, 0.4)]


def test_every_figure_counts_what_was_done_since_the_last_report(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def measure(*given: object) -> Peak:
        asked.append(given)
        clock.seconds += 9  # which is no time of the first steps
        return Peak(flops=10.0, source="a fake")

    monkeypatch.setattr(loop_module, "peak_flops", measure)
    monkeypatch.setattr(loop_module, "peak_memory_bytes", lambda device: 7)
    loop, metrics = make_loop(
        Checkpoints(clock), samples=Samples(unit="tokens", ranks=2, flops_each=3.0, dtype=torch.bfloat16)
    )
    train(loop, clock)
    assert asked == [(torch.device("cpu"), torch.bfloat16)]

    def line(step: int, *, epoch: int, seconds: float, samples: int, data: float, checkpoints: float) -> dict:
        rate = samples * 2 / seconds
        return {
            "step": step,
            "total_steps": 5,
            "epoch": epoch,
            "loss": step / 10,
            "tokens_per_second": pytest.approx(rate),
            "mfu": pytest.approx(rate * 3.0 / (10.0 * 4)),
            "data_seconds": pytest.approx(data),
            "checkpoint_seconds": pytest.approx(checkpoints),
            "peak_memory_bytes": 7,
        }

    assert metrics.lines == [
        line(2, epoch=0, seconds=2 * 1.25 + 0.5, samples=16, data=0.5, checkpoints=0.5),
        line(4, epoch=1, seconds=2 * 1.25 + 2 * 0.5, samples=16, data=0.5, checkpoints=1.0),
        line(5, epoch=2, seconds=1.25 + 0.5, samples=8, data=0.25, checkpoints=0.5),
        {"step": 5, "checkpoint_seconds": pytest.approx(0.5 + 2.0)},
    ]


@pytest.mark.parametrize("start", [5, 6])
def test_a_run_that_was_done_before_reports_nothing_and_measures_nothing(
    start: int, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop_module, "peak_flops", lambda *given: pytest.fail("measured"))
    loop, metrics = make_loop(Checkpoints(clock, start=start), samples=Samples(unit="tokens", ranks=2, flops_each=1.0))
    train(loop, clock)
    assert metrics.lines == []


@pytest.mark.parametrize("first", [True, False])
def test_what_mfu_is_a_share_of_is_said_once(
    first: bool, clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(loop_module, "peak_flops", lambda *given: Peak(flops=2e12, source="a table"))
    ranks = SimpleNamespace(device=torch.device("cpu"), world_size=4, is_first=first)
    loop, _ = make_loop(Checkpoints(clock), ranks=ranks, samples=Samples(unit="tokens", ranks=2, flops_each=1.0))
    train(loop, clock)
    assert capsys.readouterr().out == ("mfu is the share of 2 TFLOP/s a rank (a table)\n" if first else "")


def test_without_flops_there_is_no_mfu_and_no_device_is_measured(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(loop_module, "peak_flops", lambda *given: pytest.fail("measured"))
    loop, metrics = make_loop(Checkpoints(clock))
    train(loop, clock)
    assert not any("mfu" in line for line in metrics.lines)
    assert capsys.readouterr().out == ""
