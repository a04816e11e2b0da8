"""`fit` of tf_keras on two workers: killed in the middle of an epoch, it goes on at the very next step, bit by bit."""

import signal
from pathlib import Path

import numpy
import pytest

from tests.support.training.tensorflow import Tasks

pytestmark = pytest.mark.e2e
PER_EPOCH, EPOCHS = 10, 3


def run(folder: Path, data: Path) -> Tasks:
    command = ["tests.support.training.tensorflow_fit", str(EPOCHS)]
    return Tasks(folder, command, environ={"SM_CHANNEL_TRAIN": str(data)}, worker=2)


def steps(tasks: Tasks) -> int:
    return tasks.text("worker-0").count("batch=")


def weights(tasks: Tasks) -> str:
    """The digest of the trained weights, the same on both."""
    (found,) = {tasks.text(name).rpartition("weights=")[2].split()[0] for name in tasks.processes}
    return found


def test_a_killed_fit_resumes_at_the_exact_step(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    inputs = numpy.random.default_rng(1).random((PER_EPOCH * 8, 4))
    numpy.save(data / "a.npy", numpy.column_stack([inputs, inputs.sum(1)]).astype(numpy.float32))
    with run(tmp_path / "whole", data) as whole:
        assert set(whole.wait().values()) == {0}, whole.text("worker-0")[-3000:]
    assert steps(whole) == PER_EPOCH * EPOCHS
    assert "warning" not in whole.text("worker-0")
    with run(tmp_path / "killed", data) as killed:
        killed.wait_for("worker-0", "batch=9 ")
        while steps(killed) < PER_EPOCH + 4:
            assert killed.processes["worker-0"].poll() is None, killed.text("worker-0")[-3000:]
        killed.signal("worker-1", signal.SIGKILL)
        killed.wait()
    with run(tmp_path / "killed", data) as again:
        assert set(again.wait().values()) == {0}, again.text("worker-0")[-3000:]
    log = again.text("worker-0")
    assert weights(again) == weights(whole), "dropout and noise draw on where they were, and all else does too"
    restored = int(log.partition("restored step ")[2].partition(" ")[0])
    assert restored >= PER_EPOCH
    assert steps(again) == PER_EPOCH * EPOCHS - restored
