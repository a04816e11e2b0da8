"""Checkpoints of one process: when they are made, what they cost, and that a run goes on where it was."""

import errno
import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import numpy
import pytest
import torch.distributed as dist

from tests.support.training.checkpoint_training import Training, saved
from training.pytorch.checkpoint import checkpointer as checkpoint_module
from training.pytorch.checkpoint.checkpointer import Checkpointer, Interrupted
from training.pytorch.process_group import Ranks
from training.saves.agreement import MOST_SAVES, Agreement, Wishes
from training.saves.manifest import Save
from training.saves.store import CheckpointStore
from training.saves.unfit import Unfit
from training.saves.writer import Writer

LONG_SECONDS = 120
"""How long a test waits for what must come; only one that fails waits so long."""


@pytest.fixture
def undisturbed(tmp_path: Path) -> dict[int, str]:
    """The losses of a run that nothing happened to."""
    training = Training(tmp_path / "undisturbed")
    training.run(20)
    return training.losses


def test_the_last_three_are_kept_and_the_pointer_names_the_newest(tmp_path: Path) -> None:
    Training(tmp_path).run(23)
    assert saved(tmp_path) == ["step-00000015-g1", "step-00000020-g1", "step-00000023-g1"]
    assert json.loads((tmp_path / "run" / "latest.json").read_text())["folder"] == "step-00000023-g1"


def test_a_run_that_goes_on_equals_one_that_never_stopped(tmp_path: Path, undisturbed: dict[int, str]) -> None:
    Training(tmp_path).run(12)
    resumed = Training(tmp_path)
    assert resumed.run(20) == 12
    assert resumed.losses == {step: undisturbed[step] for step in range(13, 21)}


def test_a_sigterm_saves_and_leaves_with_75(tmp_path: Path, undisturbed: dict[int, str]) -> None:
    with pytest.raises(Interrupted) as interrupted:
        Training(tmp_path).run(20, lambda step: os.kill(os.getpid(), signal.SIGTERM) if step == 7 else None)
    assert interrupted.value.code == 75
    resumed = Training(tmp_path)
    assert resumed.run(20) == 7
    assert resumed.losses == {step: undisturbed[step] for step in range(8, 21)}


def test_a_sigterm_that_comes_when_all_is_saved_does_not_make_a_failure_of_it(tmp_path: Path) -> None:
    """Nodes hear of a spot interruption one after the other: by then the ranks of the last may have saved and left."""
    with pytest.raises(Interrupted):
        Training(tmp_path).run(20, lambda step: os.kill(os.getpid(), signal.SIGTERM) if step == 7 else None)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN


def test_a_run_that_ends_by_itself_gives_the_signal_back(tmp_path: Path) -> None:
    Training(tmp_path).run(5)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_sigterm_during_a_save_waits_for_it_and_saves_the_last_step_as_well(
    tmp_path: Path, undisturbed: dict[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    save, told = checkpoint_module.torch.save, Event()

    def held(*arguments: object) -> None:
        assert told.wait(LONG_SECONDS), "the save of step 5 kept training from step 6"
        save(*arguments)

    monkeypatch.setattr(checkpoint_module.torch, "save", held)

    def each(step: int) -> None:
        if step == 6:
            os.kill(os.getpid(), signal.SIGTERM)
            told.set()

    with pytest.raises(Interrupted):
        Training(tmp_path).run(20, each)
    assert saved(tmp_path) == ["step-00000005-g1", "step-00000006-g1"]
    resumed = Training(tmp_path)
    assert resumed.run(20) == 6
    assert resumed.losses == {step: undisturbed[step] for step in range(7, 21)}


def test_a_save_of_another_run_is_never_used(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    Training(tmp_path, "first").run(10)
    assert Training(tmp_path, "second").run(5) == 0
    shutil.copytree(tmp_path / "first" / "step-00000010-g1", tmp_path / "second" / "step-00000010-g1")
    assert Training(tmp_path, "second").run(6) == 5
    assert "belongs to run first, not to second" in capfd.readouterr().err


@pytest.mark.parametrize("run_id", ["", "a/b", "..", ".hidden"])
def test_a_run_id_must_name_a_folder(tmp_path: Path, run_id: str) -> None:
    with pytest.raises(Unfit, match="cannot name a folder"):
        CheckpointStore(tmp_path, run_id)


def test_without_restore_nothing_is_saved_over_an_earlier_start(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"^call restore\(\) before"), Training(tmp_path).checkpoints as checkpoints:
        checkpoints.after_step(1)


def test_a_step_is_saved_once_however_often_it_is_asked_for(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with Training(tmp_path).checkpoints as checkpoints:
        checkpoints.restore()
        for step in (numpy.int64(5), 5):
            checkpoints.after_step(step)
            checkpoints.save()
    assert saved(tmp_path) == ["step-00000005-g1"]
    assert capfd.readouterr().err == ""


def test_training_goes_on_while_bytes_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training = Training(tmp_path, every_steps=4)
    save, done = checkpoint_module.torch.save, Event()
    reached: list[bool] = []

    def held(*arguments: object) -> None:
        reached.append(done.wait(LONG_SECONDS))
        save(*arguments)

    monkeypatch.setattr(checkpoint_module.torch, "save", held)
    training.run(7, lambda step: done.set() if step == 7 else None)
    assert reached[0], "steps 5 to 7 did not run while the save of step 4 was being written"


@pytest.fixture
def group() -> Iterator[Ranks]:
    """One rank that agrees with itself, one step late as all do."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield Ranks(control=dist.group.WORLD)
    dist.destroy_process_group()


class Clock:
    """Stands until it is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 0.0
        for module in ("keeper", "writer"):
            fake = SimpleNamespace(monotonic=lambda: self.seconds)
            monkeypatch.setattr(f"training.saves.{module}.time", fake)


def test_a_save_by_the_clock_is_made_once(tmp_path: Path, group: Ranks, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)

    def each(step: int) -> None:
        clock.seconds = {3: 10, 7: 20}.get(step, clock.seconds)

    Training(tmp_path, ranks=group, every_steps=None, every_seconds=10).run(12, each)
    assert saved(tmp_path) == ["step-00000004-g1", "step-00000008-g1", "step-00000012-g1"]


def test_a_save_costs_its_copy_and_the_save_before_it_and_no_wait_for_others(
    tmp_path: Path, group: Ranks, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)

    def takes(place: object, name: str, seconds: Callable[[], float]) -> None:
        method = getattr(place, name)

        def slow(*given: object) -> object:
            clock.seconds += seconds()
            return method(*given)

        monkeypatch.setattr(place, name, slow)

    queued = [0.0]  # seconds that this rank's GPU has still to compute when the step's Python is done

    def compute() -> float:
        seconds, queued[0] = queued[0], 0.0
        return seconds

    takes(Agreement, "settle", lambda: 1000)  # until another rank's step before is done
    takes(checkpoint_module, "gather", lambda: 1000)  # until another rank begins its first save
    takes(checkpoint_module, "wait_for_device", compute)
    takes(Checkpointer, "_copy", lambda: 10 + compute())
    takes(Writer, "wait", lambda: 1)
    training = Training(tmp_path, ranks=group, every_steps=4)
    blocked = {}

    def each(step: int) -> None:
        queued[0] = 100.0
        blocked[step] = training.checkpoints.blocked_seconds

    training.run(9, each)
    assert blocked == {**dict.fromkeys(range(1, 5), 0), **dict.fromkeys(range(5, 9), 11), 9: 22}
    assert training.checkpoints.blocked_seconds == 34, "the third save, and the wait until it is written"


def test_a_failed_save_is_tried_again_once(tmp_path: Path, group: Ranks, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, begin = Clock(monkeypatch), CheckpointStore.begin
    training = Training(tmp_path, ranks=group, every_steps=6)
    tried, gone_on = [], Event()

    def full_at_first(store: CheckpointStore, save: Save, rank: int) -> str:
        tried.append(save.step)
        if len(tried) == 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        assert gone_on.wait(LONG_SECONDS), "the save of step 8 kept training from step 10"
        return begin(store, save, rank)

    def each(step: int) -> None:
        training.checkpoints.wait() if step == 7 else None
        clock.seconds = 11 if step >= 7 else 0
        gone_on.set() if step == 10 else None

    monkeypatch.setattr(CheckpointStore, "begin", full_at_first)
    training.run(11, each)
    assert tried == [6, 8, 11]
    assert saved(tmp_path) == ["step-00000008-g1", "step-00000011-g1"]


def test_what_is_saved_is_the_state_at_the_save_not_a_later_one(tmp_path: Path, undisturbed: dict[int, str]) -> None:
    training = Training(tmp_path, every_steps=5)
    training.run(6)
    shutil.rmtree(tmp_path / "run" / "step-00000006-g1")
    resumed = Training(tmp_path)
    assert resumed.run(20) == 5
    assert resumed.losses[6] == undisturbed[6]


@pytest.mark.parametrize("name", ["every_steps", "every_seconds", "keep"])
def test_settings_must_be_above_zero(tmp_path: Path, name: str) -> None:
    with pytest.raises(Unfit, match=f"{name} is 0 and must be above 0"):
        Training(tmp_path, **{name: 0})


def test_saves_that_another_rank_never_finishes_do_not_pile_up(
    tmp_path: Path, group: Ranks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Agreement, "settle", lambda agreement: Wishes(save=False, stop=False, durable=()))
    Training(tmp_path, ranks=group, every_steps=1).run(12)
    written = sorted(path.parts[-3] for path in tmp_path.glob("run/*/*/manifest.json"))
    assert written == [f"step-{step:08d}-g1" for step in range(12 - MOST_SAVES, 13)]
