"""The programs that no shipped job runs in `make e2e`: texts on two workers, and digits from TFRecords."""

import json
from pathlib import Path

import pytest

from tests.support.training.data_files import make_channel
from tests.support.training.tensorflow import Tasks
from training.programs import make_digits, make_texts

pytestmark = pytest.mark.e2e
TEXT = ("training.tensorflow.programs.text", "--length=48", "--width=32", "--log_steps=1", "--checkpoint_steps=20")


def files_of(folder: Path) -> dict[str, bytes]:
    """The shards that were written, by name."""
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert found
    return found


def channels(folder: Path, base: Path) -> dict[str, str]:
    """The parts `train` and `test` as channels of a job."""
    parts = [make_channel(base, files_of(folder / part), name=part) for part in ("train", "test")]
    merged: dict[str, dict[str, str]] = {}
    for part in parts:
        merged |= json.loads(part["SM_INPUT_DATA_CONFIG"])
    return {**parts[0], "SM_INPUT_DATA_CONFIG": json.dumps(merged)}


def finish(tasks: Tasks) -> None:
    assert set(tasks.wait().values()) == {0}, "\n".join(tasks.text(name)[-3000:] for name in tasks.processes)


def test_texts_are_told_apart_by_two_workers_and_a_resumed_run_goes_on_at_the_next_line(tmp_path: Path) -> None:
    make_texts.main([str(tmp_path / "texts"), "--shards", "2", "--lines", "1200"])
    environ = channels(tmp_path / "texts", tmp_path / "job")
    boards = tmp_path / "boards"
    with Tasks(
        tmp_path / "whole",
        [*TEXT, "--max_steps=48", "--epochs=4"],
        environ={**environ, "SHARDYARD_TENSORBOARD_DIR": str(boards)},
        worker=2,
    ) as whole:
        finish(whole)
    losses = whole.losses("worker-0")
    assert sorted(losses) == list(range(1, 49))
    about = json.loads((tmp_path / "whole" / "model" / "model.json").read_text())
    assert about["accuracy"] >= 0.5, "a third is chance"
    (events,) = boards.iterdir()
    assert b"loss" in events.read_bytes(), "the first worker alone writes for TensorBoard"

    for steps in (24, 48):
        with Tasks(tmp_path / "halves", [*TEXT, f"--max_steps={steps}"], environ=environ, worker=2) as halves:
            finish(halves)
    assert halves.losses("worker-0") == {step: loss for step, loss in losses.items() if step > 24}


def test_digits_are_read_from_tfrecords_as_from_arrays(tmp_path: Path) -> None:
    found = {}
    for format_ in ("npy", "tfrecords"):
        make_digits.main([str(tmp_path / format_), "--shards", "1", "--format", format_])
        environ = channels(tmp_path / format_, tmp_path / f"job-{format_}")
        command = ["training.tensorflow.programs.mnist", "--width=16", "--log_steps=1", "--max_steps=3"]
        with Tasks(tmp_path / f"run-{format_}", command, environ=environ, worker=1) as tasks:
            finish(tasks)
        found[format_] = tasks.losses("worker-0")
    assert len(found["npy"]) == 3 and found["npy"] == found["tfrecords"]
