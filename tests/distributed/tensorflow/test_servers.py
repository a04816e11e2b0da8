"""Parameter servers: real processes on loopback, of which workers and servers die."""

import json
import signal
from pathlib import Path

import pytest

from tests.support.training.tensorflow import Tasks

pytestmark = pytest.mark.e2e
COMMAND = ("training.tensorflow.programs.mnist", "--width=64", "--log_steps=1", "--checkpoint_steps=5")
COUNTS = {"chief": 1, "ps": 1, "worker": 2}


def run(folder: Path, *options: str) -> Tasks:
    return Tasks(folder, [*COMMAND, *options], **COUNTS)


def test_a_run_is_told_to_leave_and_goes_on_at_its_step(tmp_path: Path) -> None:
    with run(tmp_path, "--max_steps=100000") as tasks:
        tasks.wait_for("chief-0", "step=7 ")
        for name in tasks.processes:
            tasks.signal(name, signal.SIGTERM)  # as the launcher does: only the chief may act on it
        assert set(tasks.wait().values()) == {75}, tasks.text("chief-0")[-3000:]
    saved = max(int(path.name[5:13]) for path in (tmp_path / "checkpoints" / "run").glob("step-*"))
    with run(tmp_path, f"--max_steps={saved + 3}") as again:
        assert set(again.wait().values()) == {0}, again.text("chief-0")[-3000:]
    assert f"restored step {saved} of run run" in again.text("chief-0")
    assert sorted(again.losses("chief-0")) == [saved + 1, saved + 2, saved + 3]
    about = json.loads((tmp_path / "model" / "model.json").read_text())
    assert about["steps"] == saved + 3
    assert (tmp_path / "model" / "1" / "saved_model.pb").is_file()


def test_the_others_do_the_work_of_a_dead_worker(tmp_path: Path) -> None:
    with run(tmp_path, "--max_steps=40") as tasks:
        tasks.wait_for("chief-0", "step=8 ")
        tasks.signal("worker-1", signal.SIGKILL)
        codes = tasks.wait()
    assert codes == {"chief-0": 0, "ps-0": 0, "worker-0": 0, "worker-1": -signal.SIGKILL}
    assert sorted(tasks.losses("chief-0")) == list(range(1, 41))


def test_a_dead_server_ends_the_run_with_its_name_and_a_new_start_goes_on(tmp_path: Path) -> None:
    with run(tmp_path, "--max_steps=100000") as tasks:
        tasks.wait_for("chief-0", "step=8 ")
        tasks.signal("ps-0", signal.SIGKILL)
        codes = tasks.wait()
    assert codes["chief-0"] not in (0, 75)
    assert codes["worker-0"] == codes["worker-1"] == 1
    assert f"ps 0 ({tasks.addresses['ps'][0]}) is dead" in tasks.text("chief-0")
    with run(tmp_path, "--max_steps=10") as again:
        assert set(again.wait().values()) == {0}
    assert "restored step 5 of run run" in again.text("chief-0")


def test_a_dead_coordinator_leaves_nobody_behind(tmp_path: Path) -> None:
    with run(tmp_path, "--max_steps=100000") as tasks:
        tasks.wait_for("chief-0", "step=3 ")
        tasks.signal("chief-0", signal.SIGKILL)
        codes = tasks.wait()
    assert {codes[name] for name in ("ps-0", "worker-0", "worker-1")} == {1}
    assert "is gone without a word" in tasks.text("ps-0")
