"""Workers that equal each other: real processes on loopback, killed, stopped, told to leave, and started again."""

import json
import signal
from pathlib import Path

import pytest

from tests.support.training.tensorflow import Tasks

pytestmark = pytest.mark.e2e
SLOW = pytest.mark.slow  # the other half of what a case before it shows
MNIST = ("training.tensorflow.programs.mnist", "--width=64", "--log_steps=1", "--checkpoint_steps=5")
STEPS = 16


def run(folder: Path, *options: str, **counts: int) -> Tasks:
    return Tasks(folder, [*MNIST, f"--max_steps={STEPS}", *options], **(counts or {"worker": 2}))


def finish(tasks: Tasks) -> None:
    assert set(tasks.wait().values()) == {0}, "\n".join(tasks.text(name)[-3000:] for name in tasks.processes)


def weights(folder: Path) -> str:
    return str(json.loads((folder / "model" / "model.json").read_text())["weights_sha256"])


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[int, str], str]:
    """The losses and the weights of a run that nothing happened to."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with run(folder) as tasks:
        finish(tasks)
        losses = tasks.losses("worker-0")
    assert len(losses) == STEPS
    assert not tasks.losses("worker-1"), "one worker reports"
    return losses, weights(folder)


@pytest.mark.parametrize("victim", ["worker-0", pytest.param("worker-1", marks=SLOW)])
def test_a_killed_worker_is_named_and_the_run_goes_on_bit_by_bit(
    tmp_path: Path, undisturbed: tuple[dict[int, str], str], victim: str
) -> None:
    losses, digest = undisturbed
    other = "worker-1" if victim == "worker-0" else "worker-0"
    with run(tmp_path) as tasks:
        tasks.wait_for("worker-0", "step=8 ")
        tasks.signal(victim, signal.SIGKILL)
        codes = tasks.wait()
    assert codes[victim] == -signal.SIGKILL
    assert codes[other] not in (0, -signal.SIGKILL)
    assert f"{victim.replace('-', ' ')} ({tasks.addresses['worker'][int(victim[-1])]}) is dead" in tasks.text(other)
    with run(tmp_path) as again:
        finish(again)
    assert "restored step 5 of run run" in again.text("worker-0")
    assert again.losses("worker-0") == {step: loss for step, loss in losses.items() if step > 5}
    assert weights(tmp_path) == digest


def test_sigterm_at_one_worker_saves_at_a_step_that_all_agree_on(
    tmp_path: Path, undisturbed: tuple[dict[int, str], str]
) -> None:
    losses, digest = undisturbed
    with run(tmp_path) as tasks:
        tasks.wait_for("worker-0", "step=7 ")
        tasks.signal("worker-1", signal.SIGTERM)
        assert set(tasks.wait().values()) == {75}, tasks.text("worker-1")[-3000:]
    saved = max(int(path.name[5:13]) for path in (tmp_path / "checkpoints" / "run").glob("step-*"))
    with run(tmp_path) as again:
        finish(again)
    assert f"restored step {saved} of run run" in again.text("worker-0")
    assert again.losses("worker-0") == {step: loss for step, loss in losses.items() if step > saved}
    assert weights(tmp_path) == digest


def test_a_worker_that_stands_still_ends_the_others_in_time_with_its_name(tmp_path: Path) -> None:
    with run(tmp_path, "--timeout_seconds=20", "--max_steps=100000") as tasks:
        tasks.wait_for("worker-0", "step=6 ")
        tasks.signal("worker-1", signal.SIGSTOP)
        assert tasks.processes["worker-0"].wait(120) not in (0, 75)
        tasks.signal("worker-1", signal.SIGKILL)
    assert "worker 1 (127.0.0.1:" in tasks.text("worker-0"), tasks.text("worker-0")[-3000:]


@pytest.mark.parametrize("damage", ["cut", *(pytest.param(damage, marks=SLOW) for damage in ("flipped", "missing"))])
def test_a_damaged_save_is_named_and_the_one_before_it_is_taken(
    tmp_path: Path, undisturbed: tuple[dict[int, str], str], damage: str
) -> None:
    with run(tmp_path) as tasks:
        finish(tasks)
    found = sorted((tmp_path / "checkpoints" / "run").glob("step-00000016-*/rank-00000/tensors.safetensors"))[0]
    if damage == "cut":
        found.write_bytes(found.read_bytes()[:-7])
    elif damage == "flipped":
        content = bytearray(found.read_bytes())
        content[len(content) // 2] ^= 4
        found.write_bytes(content)
    else:
        found.unlink()
    with run(tmp_path) as again:
        finish(again)
    log = again.text("worker-0")
    assert "tensors.safetensors" in log and "using the save before it" in log
    assert "restored step 15 of run run" in log
    assert again.losses("worker-0") == {16: undisturbed[0][16]}


def test_two_workers_learn_as_well_as_one(tmp_path: Path) -> None:
    accuracy = {}
    for workers, batch in ((1, 100), (2, 50)):
        folder = tmp_path / str(workers)
        options = [f"--batch_size={batch}", "--epochs=8", "--width=256", "--log_steps=1000"]
        with Tasks(folder, [MNIST[0], *options], worker=workers) as tasks:
            finish(tasks)
        about = json.loads((folder / "model" / "model.json").read_text())
        accuracy[workers] = about["accuracy"]
    assert accuracy[2] >= 0.97
    assert abs(accuracy[1] - accuracy[2]) <= 0.005


@SLOW
def test_another_number_of_workers_goes_on(tmp_path: Path) -> None:
    with run(tmp_path) as tasks:
        finish(tasks)
    with Tasks(tmp_path, [*MNIST, f"--max_steps={STEPS + 3}"], worker=1) as alone:
        finish(alone)
    assert "restored step 16 of run run" in alone.text("worker-0")
    assert len(alone.losses("worker-0")) == 3
