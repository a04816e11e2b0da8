"""Checkpoints straight in S3 keep what checkpoints in folders promise."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.training.checkpoint_training import Training
from tests.support.training.fake_s3 import FakeS3
from training.data import s3
from training.pytorch.checkpoint.checkpointer import Interrupted, SaveFailed
from training.saves.storage import Storage, storage_at

PREFIX = "s3://bucket/saves/"


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeS3:
    found = FakeS3()
    monkeypatch.setattr(s3, "client", lambda: found)
    return found


@pytest.fixture
def undisturbed(tmp_path: Path) -> dict[int, str]:
    """The losses of a run that nothing happened to."""
    training = Training(tmp_path)
    training.run(20)
    return training.losses


def start(run_id: str = "run", **settings: object) -> Training:
    return Training(PREFIX, run_id, **settings)  # type: ignore[arg-type]


def folders(fake: FakeS3) -> list[str]:
    return sorted({key.split("/")[2] for key in fake.all_keys() if "/step-" in key})


def test_a_run_goes_on_from_s3_and_equals_one_that_never_stopped(fake: FakeS3, undisturbed: dict[int, str]) -> None:
    start().run(12)
    resumed = start()
    assert resumed.run(20) == 12
    assert resumed.losses == {step: undisturbed[step] for step in range(13, 21)}


def test_the_last_three_are_kept_and_the_pointer_names_the_newest(fake: FakeS3) -> None:
    start().run(23)
    assert folders(fake) == ["step-00000015-g1", "step-00000020-g1", "step-00000023-g1"]
    assert json.loads(fake.objects["bucket", "saves/run/latest.json"])["folder"] == "step-00000023-g1"
    assert [key for key in fake.all_keys() if key.endswith(".tmp")] == []


def test_the_manifest_comes_last_and_goes_first(fake: FakeS3) -> None:
    start().run(20)
    for folder in ("step-00000005-g1", "step-00000020-g1"):
        written = [key.rpartition("/")[2] for operation, key in fake.requests if operation == "put" and folder in key]
        assert written == ["tensors.safetensors", "state.pt", "manifest.json"]
    deleted = [key.rpartition("/")[2] for kind, key in fake.requests if kind == "delete" and "step-00000005" in key]
    assert deleted == ["manifest.json", "state.pt", "tensors.safetensors"]
    pointed = fake.requests.index(("put", "saves/run/latest.json"))
    assert pointed > fake.requests.index(("put", "saves/run/step-00000005-g1/rank-00000/manifest.json"))


def flip(data: bytes) -> bytes:
    return data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 4]) + data[len(data) // 2 + 1 :]


@pytest.mark.parametrize("damage", [flip, lambda data: data[: len(data) // 2], None])
@pytest.mark.parametrize("name", ["tensors.safetensors", "state.pt", "manifest.json"])
def test_a_damaged_object_is_named_and_the_save_before_it_is_used(
    fake: FakeS3,
    undisturbed: dict[int, str],
    name: str,
    damage: Callable[[bytes], bytes] | None,
    capfd: pytest.CaptureFixture[str],
) -> None:
    start().run(15)
    key = "bucket", f"saves/run/step-00000015-g1/rank-00000/{name}"
    data = fake.objects.pop(key)
    if damage is not None:
        fake.objects[key] = damage(data)
    resumed = start()
    assert resumed.run(20) == 10
    assert f"warning: checkpoint step-00000015-g1/rank-00000/{name} " in capfd.readouterr().err
    assert resumed.losses == {step: undisturbed[step] for step in range(11, 21)}


def test_two_runs_below_one_prefix_never_mix(fake: FakeS3) -> None:
    start("first").run(10)
    assert start("first-2").run(5) == 0
    assert start("first").run(11) == 10


def test_a_sigterm_saves_to_s3_and_leaves_with_75(fake: FakeS3) -> None:
    with pytest.raises(Interrupted):
        start().run(20, lambda step: os.kill(os.getpid(), signal.SIGTERM) if step == 7 else None)
    assert start().run(8) == 7


def test_a_refused_save_is_said_and_does_not_end_the_training(
    fake: FakeS3, undisturbed: dict[int, str], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a loaded machine the ten seconds may pass before the run is over, and the save is tried once more
    monkeypatch.setattr("training.saves.writer.RETRY_SECONDS", float("inf"))
    fake.refuse = lambda operation, key: (
        "<Code>AccessDenied</Code><Message>no</Message>" if operation == "put" and "step-00000010" in key else None
    )
    training = start()
    training.run(20)
    assert training.losses == undisturbed
    assert folders(fake) == ["step-00000005-g1", "step-00000015-g1", "step-00000020-g1"]
    file = f"{PREFIX}run/step-00000010-g1/rank-00000/tensors.safetensors"
    assert f"save at step 10 failed: {file}: AccessDenied: no;" in capfd.readouterr().err


def test_a_refused_save_at_a_sigterm_is_a_failure(fake: FakeS3) -> None:
    fake.refuse = lambda operation, key: "no" if operation == "put" else None
    with pytest.raises(SaveFailed, match="told to stop at step 7 and could not save it: rank 0: save at step 7 failed"):
        start().run(20, lambda step: os.kill(os.getpid(), signal.SIGTERM) if step == 7 else None)


@pytest.mark.parametrize("operation", ["delete", "put"])
def test_what_cannot_be_tidied_up_is_said_and_costs_nothing(
    fake: FakeS3, undisturbed: dict[int, str], operation: str, capfd: pytest.CaptureFixture[str]
) -> None:
    fake.refuse = lambda asked, key: (
        "no" if asked == operation and ("latest" in key or (asked == "delete" and "manifest" in key)) else None
    )
    training = start()
    training.run(20)
    assert training.losses == undisturbed
    assert "the saves themselves are sound" in capfd.readouterr().err
    assert start().run(21) == 20


def test_two_jobs_that_write_one_run_are_told(fake: FakeS3, capfd: pytest.CaptureFixture[str]) -> None:
    first, second = start(), start()
    second.checkpoints.restore()
    first.run(5)
    before = dict(fake.objects)
    for step in range(1, 6):
        second.checkpoints.after_step(step)
    second.checkpoints.wait()
    assert "step-00000005-g1/rank-00000 holds a save already: does another job write the same run?" in (
        capfd.readouterr().err
    )
    assert fake.objects == before, "what the other job wrote must stay as it is"


@pytest.fixture(params=["folder", "bucket"])
def storage(request: pytest.FixtureRequest, tmp_path: Path, fake: FakeS3) -> Storage:
    return storage_at(tmp_path if request.param == "folder" else PREFIX)


def test_a_folder_and_a_bucket_do_the_same(storage: Storage) -> None:
    assert storage.children("") == storage.children("run/none") == []
    storage.make_folder("run/a")
    with storage.create("run/a/x") as stream:
        stream.write(b"0123456789")
    storage.write_whole("run/y", b"y")
    assert storage.children("run") == ["a", "y"]
    assert storage.read("run/a/x") == b"0123456789"
    assert storage.read("run/a/x", 3, 4) == b"3456"
    assert storage.read("run/a/x", 8) == b"89"
    with storage.open("run/a/x") as stream:
        assert [stream.read(6), stream.read(6), stream.read(6)] == [b"012345", b"6789", b""]
    with pytest.raises(FileExistsError):
        storage.make_folder("run/a")
    with pytest.raises(FileNotFoundError):
        storage.read("run/none/x")
    storage.write_whole("run/ab", b"")
    storage.remove("run/a")
    storage.remove("run/a")
    assert storage.children("run") == ["ab", "y"]
    storage.remove("run/ab")
    storage.remove("run/none")
    assert storage.children("run") == ["y"]
