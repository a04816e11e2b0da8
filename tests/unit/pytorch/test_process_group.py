"""Joining the ranks: what the environment lacks is said, and how long each group waits."""

from datetime import timedelta

import pytest
import torch.distributed as dist

from training.pytorch import process_group
from training.pytorch.process_group import connect


def test_an_environment_that_names_only_some_of_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    message = "^RANK is set and WORLD_SIZE, MASTER_PORT are not: start with torchrun"
    with pytest.raises(ValueError, match=message), connect():
        pass


@pytest.mark.parametrize(
    ("backend", "first_step", "tensors", "control"),
    [("gloo", None, 30, 30), ("nccl", None, 42, 30), ("gloo", 600.0, 600, 600), ("nccl", 600.0, 612, 600)],
)
def test_the_control_group_runs_out_of_time_before_nccl_whose_watchdog_names_nobody(
    monkeypatch: pytest.MonkeyPatch, backend: str, first_step: float | None, tensors: int, control: int
) -> None:
    """By the roll call, 6 s of 30, and as much again."""
    made: dict[str, timedelta] = {}
    for name, value in (("RANK", "0"), ("WORLD_SIZE", "1"), ("MASTER_ADDR", "127.0.0.1"), ("MASTER_PORT", "1")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(process_group, "pick_backend", lambda asked: backend)
    monkeypatch.setattr(process_group, "_attempt_store", lambda rank, world_size: dist.HashStore())
    monkeypatch.setattr(dist, "init_process_group", lambda *_, timeout, **__: made.update(tensors=timeout))
    monkeypatch.setattr(dist, "new_group", lambda *_, timeout, **__: made.update(control=timeout))
    monkeypatch.setattr(dist, "destroy_process_group", lambda: None)
    with connect(first_step_seconds=first_step) as ranks:
        assert (ranks.timeout_seconds, ranks.first_step_seconds) == (30, control)
    assert made == {"tensors": timedelta(seconds=tensors), "control": timedelta(seconds=control)}
