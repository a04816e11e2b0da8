"""What a node does last: the way to S3, what it may take, and what is said of it."""

import os
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from training.launcher import leaving
from training.launcher.supervise import Supervisor
from training.saves import carry
from training.saves.mirror import Mirror, Unreachable


@pytest.fixture
def supervisor() -> Supervisor:
    return Supervisor()


def launch(base: Path, *, grace: float = 30.0, **variables: str) -> Any:
    (base / "checkpoints").mkdir()
    (base / "checkpoints" / "state").write_text("x")
    environ = {"SAGEMAKER_BASE_DIR": str(base), "TRAINING_JOB_NAME": "job", **variables}
    return SimpleNamespace(contract=SimpleNamespace(base=base), environ=environ, grace_seconds=grace, working_dir=None)


def carries(monkeypatch: pytest.MonkeyPatch, way: Callable[[Callable[[str], None]], None]) -> None:
    monkeypatch.setattr(carry, "carry", lambda mirror, run_id, *, since, note: way(note))
    monkeypatch.setattr(carry, "carry_what_there_is", lambda mirror, *, since, note: way(note))


PLACE = {"SHARDYARD_CHECKPOINT_S3": "s3://bucket/place"}


def refuse(note: Callable[[str], None]) -> None:
    raise Unreachable("An error occurred (AccessDenied)")


def hang(note: Callable[[str], None]) -> None:
    note("rank 1 of run/step-00000020-g1 is not there")
    time.sleep(60)


def send(note: Callable[[str], None]) -> None:
    note("3 files of /opt/ml/checkpoints are not sent yet")


@pytest.mark.parametrize(
    ("way", "code", "says"),
    [
        (send, 75, "launcher: interrupted: saved; what S3 lacked was sent to it; exit 75"),
        (lambda note: None, 75, "launcher: interrupted: saved; exit 75"),
        (refuse, 1, "launcher: saved, but its save is not known to be in S3: An error occurred (AccessDenied)"),
    ],
)
def test_an_interruption_is_75_only_with_its_save_in_s3(
    tmp_path: Path,
    supervisor: Supervisor,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    way: Callable[[Callable[[str], None]], None],
    code: int,
    says: str,
) -> None:
    carries(monkeypatch, way)
    assert leaving.leave(supervisor, launch(tmp_path, **PLACE), 75, "saved") == code
    assert capfd.readouterr().err.splitlines() == [says]
    assert (tmp_path / "output" / "failure").exists() == (code == 1)


def test_what_hangs_is_killed_when_the_grace_is_over(
    tmp_path: Path, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    carries(monkeypatch, hang)
    monkeypatch.setattr(leaving, "LEAST_SECONDS", 0.5)
    supervisor.note_termination()
    assert leaving.leave(supervisor, launch(tmp_path, grace=0.1, **PLACE), 75, "saved") == 1
    said = (tmp_path / "output" / "failure").read_text()
    assert said.endswith(": rank 1 of run/step-00000020-g1 is not there (the grace of 0 s is over)")
    assert not supervisor.children


def test_a_failure_stays_the_failure_it_was(
    tmp_path: Path, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    carries(monkeypatch, refuse)
    assert leaving.leave(supervisor, launch(tmp_path, **PLACE), 1, "rank 0 failed") == 1
    assert (tmp_path / "output" / "failure").read_text() == "rank 0 failed"
    assert "not everything in the checkpoint folder is known to be in S3: An error" in capfd.readouterr().err


def test_what_needs_no_way_starts_none(tmp_path: Path, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mirror, "from_environ", lambda environ: pytest.fail("S3 is asked for"))
    assert leaving.leave(supervisor, launch(tmp_path, **PLACE), 0, "") == 0
    (tmp_path / "checkpoints" / "state").unlink()
    nothing = SimpleNamespace(
        contract=SimpleNamespace(base=tmp_path), environ={**os.environ, "SAGEMAKER_BASE_DIR": str(tmp_path)}
    )
    assert leaving.leave(supervisor, nothing, 75, "saved elsewhere") == 75  # type: ignore[arg-type]


def test_outside_of_a_training_job_the_disk_stays(tmp_path: Path, supervisor: Supervisor) -> None:
    given = launch(tmp_path)
    assert leaving.leave(supervisor, given, 75, "saved") == 1, "a job without a place"
    del given.environ["TRAINING_JOB_NAME"]
    assert leaving.leave(supervisor, given, 75, "saved") == 75


def test_what_was_saved_beside_the_code_is_named(tmp_path: Path, supervisor: Supervisor, capfd: Any) -> None:
    code, channel = tmp_path / "code", tmp_path / "channel"
    (code / "__pycache__").mkdir(parents=True)
    channel.mkdir()
    with zipfile.ZipFile(channel / "source.zip", "w") as bundle:
        bundle.writestr("train.py", "")
        bundle.writestr("conf/a.yaml", "")
    for name in ("train.py", "__pycache__/train.pyc", ".cache"):
        (code / name).write_text("")
    contract = SimpleNamespace(base=tmp_path, channel_dir=lambda name: channel)
    launched: Any = SimpleNamespace(contract=contract, working_dir=code)
    assert leaving.leave(supervisor, launched, 0, "") == 0
    assert capfd.readouterr().err == "", "nothing of it is the program's own"
    for name in ("snapshot.pt", "out/b.txt", "out/c.txt", "out/d.txt"):
        (code / name).parent.mkdir(exist_ok=True)
        (code / name).write_text("")
    assert leaving.leave(supervisor, launched, 0, "") == 0
    said = capfd.readouterr().err
    assert "lost with this node: out/b.txt, out/c.txt, out/d.txt and 1 more" in said
    assert "SM_MODEL_DIR" in said
