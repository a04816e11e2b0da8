"""`fit` of tf_keras: killed in the middle of an epoch, it goes on at the next step; bit by bit on equal workers."""

import signal
from pathlib import Path

import numpy
import pytest

from tests.support.training.tensorflow import Tasks, run_case

pytestmark = pytest.mark.e2e
PER_EPOCH, EPOCHS = 10, 3


def run(folder: Path, data: Path, **counts: int) -> Tasks:
    command = ["tests.support.training.tensorflow_fit", str(EPOCHS)]
    return Tasks(folder, command, environ={"SM_CHANNEL_TRAIN": str(data)}, **(counts or {"worker": 2}))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The channel's folder."""
    folder = tmp_path / "data"
    folder.mkdir()
    inputs = numpy.random.default_rng(1).random((PER_EPOCH * 8, 4))
    numpy.save(folder / "a.npy", numpy.column_stack([inputs, inputs.sum(1)]).astype(numpy.float32))
    return folder


def steps(tasks: Tasks, name: str = "worker-0") -> int:
    return tasks.text(name).count("batch=")


def weights(tasks: Tasks) -> str:
    """The digest of the trained weights, the same on both."""
    (found,) = {tasks.text(name).rpartition("weights=")[2].split()[0] for name in tasks.processes}
    return found


def test_a_killed_fit_resumes_at_the_exact_step(tmp_path: Path, data: Path) -> None:
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


def test_beside_servers_fit_goes_on_at_the_exact_step(tmp_path: Path, data: Path) -> None:
    per_epoch = 2 * PER_EPOCH  # a step is one worker's own
    with run(tmp_path / "run", data, chief=1, ps=1, worker=2) as killed:
        killed.wait_for("chief-0", f"batch={per_epoch - 1} ")
        while steps(killed, "chief-0") < per_epoch + 4:
            assert killed.processes["chief-0"].poll() is None, killed.text("chief-0")[-3000:]
        killed.signal("ps-0", signal.SIGKILL)
        assert killed.wait()["chief-0"] not in (0, 75)
    assert f"ps 0 ({killed.addresses['ps'][0]}) is dead" in killed.text("chief-0")
    with run(tmp_path / "run", data, chief=1, ps=1, worker=2) as again:
        assert set(again.wait().values()) == {0}, again.text("chief-0")[-3000:]
    log = again.text("chief-0")
    restored = int(log.partition("restored step ")[2].partition(" ")[0])
    assert restored >= per_epoch
    assert steps(again, "chief-0") == per_epoch * EPOCHS - restored
    assert "weights=" in log


def test_class_weights_that_would_be_passed_over_are_refused() -> None:
    assert "let `collate` return the weights of the samples as a third array" in run_case("refused_weights")
