"""Checkpoints of one process: what is damaged is named and passed over, what fails does not end the training."""

import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.training.checkpoint_training import Training, saved
from training.pytorch.checkpoint.checkpointer import SaveFailed
from training.saves.manifest import Save
from training.saves.store import CheckpointStore
from training.saves.writer import Writer


@pytest.fixture
def undisturbed(tmp_path: Path) -> dict[int, str]:
    """The losses of a run that nothing happened to."""
    training = Training(tmp_path / "undisturbed")
    training.run(20)
    return training.losses


def test_a_pointer_that_cannot_be_written_does_not_end_the_training(
    tmp_path: Path, undisturbed: dict[int, str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "latest.json")

    monkeypatch.setattr(CheckpointStore, "point_to", full)
    training = Training(tmp_path)
    training.run(20)
    assert training.losses == undisturbed
    assert "No space left on device: 'latest.json'; the saves themselves are sound" in capfd.readouterr().err
    assert Training(tmp_path).run(21) == 20


def cut(path: Path) -> None:
    """Half of the file is missing."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    """One bit is wrong."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [cut, flip, Path.unlink])
@pytest.mark.parametrize("name", ["tensors.safetensors", "state.pt", "manifest.json"])
def test_a_damaged_file_is_named_and_the_save_before_it_is_used(
    tmp_path: Path, undisturbed: dict[int, str], name: str, damage: Callable, capfd: pytest.CaptureFixture
) -> None:
    Training(tmp_path).run(15)
    damage(tmp_path / "run" / "step-00000015-g1" / "rank-00000" / name)
    resumed = Training(tmp_path)
    assert resumed.run(20) == 10
    assert f"warning: checkpoint step-00000015-g1/rank-00000/{name} " in capfd.readouterr().err
    assert resumed.losses == {step: undisturbed[step] for step in range(11, 21)}
    assert saved(tmp_path) == ["step-00000010-g1", "step-00000015-g2", "step-00000020-g2"]


def test_when_all_are_damaged_the_run_starts_anew_and_says_so(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    Training(tmp_path).run(15)
    for path in tmp_path.glob("run/*/*/state.pt"):
        flip(path)
    assert Training(tmp_path).run(1) == 0
    errors = capfd.readouterr().err
    assert errors.count("does not match its sha256: using the save before it") == 3
    assert "no save is complete and sound on every rank: starting at step 0" in errors


def test_a_last_save_that_fails_leaves_no_handler_behind(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), Training(tmp_path).checkpoints:
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_full_disk_does_not_end_the_training_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture, undisturbed: dict[int, str]
) -> None:
    begin = CheckpointStore.begin

    def full(store: CheckpointStore, save: Save, rank: int) -> str:
        folder = begin(store, save, rank)
        if save.step in (10, 15):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return folder

    monkeypatch.setattr(CheckpointStore, "begin", full)
    monkeypatch.setattr("training.saves.writer.RETRY_SECONDS", 1e9)
    training = Training(tmp_path)
    training.run(20)
    assert training.losses == undisturbed
    assert saved(tmp_path) == ["step-00000005-g1", "step-00000020-g1"]
    errors = capfd.readouterr().err
    assert "save at step 10 failed: [Errno 28] No space left on device; training goes on" in errors


def test_what_another_job_wrote_is_not_given_up(tmp_path: Path) -> None:
    store, save = CheckpointStore(tmp_path, "run"), Save(step=5, generation=1)
    folder = store.begin(save, 0)
    writer = Writer(store, 0)
    writer.give_up(save)
    writer.close()
    assert (tmp_path / "run" / folder).exists()


def test_an_interruption_that_cannot_be_saved_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(store: CheckpointStore, save: Save, rank: int) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(CheckpointStore, "begin", full)
    with pytest.raises(SaveFailed, match=r"told to stop at step 7 and could not save it: .*No space left on device"):
        Training(tmp_path).run(20, lambda step: os.kill(os.getpid(), signal.SIGTERM) if step == 7 else None)
