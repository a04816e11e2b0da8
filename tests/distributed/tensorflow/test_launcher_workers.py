"""The strategy `tensorflow` with real workers: who is started again after which end, and who is named."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.training.launching import Node, children, nodes
from tests.support.training.tensorflow import LONG_SECONDS, interpreter
from tests.support.training.tensorflow_loop import WORKERS

E2E = pytest.mark.e2e
SLOW = pytest.mark.slow  # another half of what the first test shows, which is the round of TensorFlow in `make test`


@contextlib.contextmanager
def workers(
    folder: Path, program: str = WORKERS, *, steps: int = 150, count: int = 2, processes: int = 1, **variables: str
) -> Iterator[list[Node]]:
    launch = [interpreter(), "-m", "training.launcher", "train"]
    with nodes(
        folder,
        program,
        count=count,
        processes=processes,
        launcher="tensorflow",
        arguments=[str(steps)],
        command=launch,
        **{"TF_CPP_MIN_LOG_LEVEL": "2", **variables},
    ) as running:
        yield running


def going(node: Node, rank: int, attempt: int = 0) -> None:
    node.wait_for(rf"going rank={rank} attempt={attempt}", LONG_SECONDS)


def pid_of(node: Node, rank: int, attempt: int = 0) -> int:
    return int(node.wait_for(rf"begin rank={rank} .*attempt={attempt} pid=(\d+)", LONG_SECONDS)[1])


def ends(running: list[Node]) -> list[int]:
    return [node.end(LONG_SECONDS) for node in running]


def host_of(node: Node) -> int:
    """The process that imports TensorFlow and starts the tasks."""
    names = {Path(f"/proc/{pid}/comm").read_text().strip(): pid for pid in children(node.process.pid)}
    return names["tensorflow-host"]


def test_a_killed_worker_is_named_on_both_nodes_and_all_go_on_where_they_were(tmp_path: Path) -> None:
    with workers(tmp_path) as running:
        going(running[1], 1)
        os.kill(pid_of(running[1], 1), signal.SIGKILL)
        begun = [node.wait_for(rf"begin rank={n} .*attempt=1 .*start=(\d+)") for n, node in enumerate(running)]
        assert all(int(match[1]) >= 5 for match in begun)
        assert ends(running) == [0, 0]
    for node in running:
        assert node.own_lines == ["worker 1 on algo-2 was killed by SIGKILL; restart 1 of 3"]
        assert node.failure == ""


@SLOW
def test_a_worker_that_is_stopped_by_a_signal_is_named_and_not_its_peer(tmp_path: Path) -> None:
    with workers(tmp_path) as running:
        going(running[1], 1)
        os.kill(pid_of(running[1], 1), signal.SIGSTOP)
        assert ends(running) == [0, 0]
    for node in running:
        (line,) = node.own_lines
        assert line.startswith("worker 1 on algo-2 had been stopped by a signal for ")


@SLOW
@pytest.mark.parametrize("told", [[0, 1], [1]], ids=["both nodes", "one node"])
def test_sigterm_reaches_all_workers_and_all_save(tmp_path: Path, told: list[int]) -> None:
    with workers(tmp_path) as running:
        for rank, node in enumerate(running):
            going(node, rank)
        for number in told:
            running[number].process.terminate()
        assert ends(running) == [75, 75]
    for rank, node in enumerate(running):
        assert f"saved rank={rank}" in node.output
        assert node.own_lines[-1].startswith(f"interrupted: every worker of algo-{rank + 1} saved and ended")


@SLOW
@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_host_is_replaced_with_all_that_it_started(tmp_path: Path, victim: int) -> None:
    with workers(tmp_path, steps=400) as running:
        for rank, node in enumerate(running):
            going(node, rank)
        os.kill(host_of(running[victim]), signal.SIGKILL)
        running[victim].wait_for(rf"begin rank={victim} world=2 attempt=[1-9]", LONG_SECONDS)
        assert ends(running) == [0, 0]
    said = f"the tensorflow host on algo-{victim + 1} was killed by SIGKILL; restart 1 of 3"
    assert running[victim].own_lines[0] == said
    assert running[1 - victim].own_lines, "the other node says why it starts again"


@SLOW
def test_two_workers_of_a_node_are_one_cluster_and_fail_with_one_sentence(tmp_path: Path) -> None:
    program = WORKERS.replace('print(f"begin', "if rank == 1: raise ValueError(f'bad {attempt}')\nprint(f\"begin")
    with workers(tmp_path, program, count=1, processes=2, SHARDYARD_MAX_RESTARTS="1") as (node,):
        assert node.end(LONG_SECONDS) == 1
    assert node.failure.startswith("worker 1 on algo-1 failed: ValueError: bad ")


FIT = """
import tensorflow as tf, numpy as np
with tf.distribute.MultiWorkerMirroredStrategy().scope():
    model = tf.keras.Sequential([tf.keras.layers.Dense(4), tf.keras.layers.Dense(1)])
    model.compile("sgd", "mse")
model.fit(np.ones((64, 3), "float32"), np.ones((64, 1), "float32"), epochs=1, batch_size=8, verbose=0)
print("fitted with", type(model).__module__.partition(".")[0], flush=True)
"""


@E2E
def test_keras_3s_fit_gets_one_sentence_and_keras_2s_works(tmp_path: Path) -> None:
    with workers(tmp_path / "three", FIT) as running:
        assert ends(running) == [1, 1]
    for node in running:
        assert "failed: Keras 3's own fit, evaluate and predict work with one worker only" in node.failure
        assert not [line for line in node.own_lines if "; restart" in line]
    early = f"import os\nos.environ['TF_USE_LEGACY_KERAS'] = '1'\n{FIT}"
    with workers(tmp_path / "two", early) as running:
        assert ends(running) == [0, 0]
    assert "fitted with tf_keras" in running[0].output


@E2E
def test_a_tf_config_of_the_jobs_own_is_kept_and_said(tmp_path: Path) -> None:
    with workers(tmp_path, "import os\nprint('config', os.environ['TF_CONFIG'])", count=1, TF_CONFIG="{}") as (node,):
        assert node.end(LONG_SECONDS) == 0
    assert "config {}" in node.lines
    assert node.own_lines[0] == "the job sets TF_CONFIG itself: every task gets that one, and the launcher makes none"


@SLOW
def test_a_worker_that_says_nothing_is_ended_by_a_guard_that_names_it(tmp_path: Path) -> None:
    hang = "    if rank == 1 and step == start + 8: time.sleep(600)\n    time.sleep(0.02)"
    program = WORKERS.replace("    time.sleep(0.02)", hang)
    with workers(tmp_path, program, SHARDYARD_LONGEST_SILENCE="6") as running:
        assert ends(running) == [79, 79]
    assert "(longest_silence): worker 1 on algo-2 is at" in running[0].failure
