"""The strategy `tensorflow` with a coordinator, workers and parameter servers as real processes."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.training.launching import Node, nodes
from tests.support.training.tensorflow import LONG_SECONDS, interpreter
from tests.support.training.tensorflow_loop import COORDINATED

pytestmark = pytest.mark.slow


@contextlib.contextmanager
def cluster(folder: Path, steps: int = 150) -> Iterator[list[Node]]:
    """A chief and a worker on the first node, a worker and a server on the second."""
    launch = [interpreter(), "-m", "training.launcher", "train"]
    with nodes(
        folder,
        COORDINATED,
        count=2,
        processes=1,
        launcher="tensorflow",
        arguments=[str(steps)],
        command=launch,
        TF_CPP_MIN_LOG_LEVEL="2",
        SHARDYARD_PARAMETER_SERVERS="1",
    ) as running:
        running[0].wait_for("going chief", LONG_SECONDS)
        yield running


def pid_of(node: Node, kind: str, index: int) -> int:
    return int(node.wait_for(rf"task={kind} index={index} .*pid=(\d+)")[1])


def ends(running: list[Node]) -> list[int]:
    return [node.end(LONG_SECONDS) for node in running]


@pytest.mark.parametrize(
    ("node", "kind", "name"), [(1, "ps", "ps 0 on algo-2"), (0, "chief", "chief on algo-1")], ids=["server", "chief"]
)
def test_without_a_server_or_the_chief_all_start_again(tmp_path: Path, node: int, kind: str, name: str) -> None:
    with cluster(tmp_path) as running:
        os.kill(pid_of(running[node], kind, 0), signal.SIGKILL)
        assert int(running[0].wait_for(r"begin chief start=([1-9]\d*)", LONG_SECONDS)[1]) >= 5
        assert ends(running) == [0, 0]
    assert "done chief count=150.0" in running[0].output
    for one in running:
        assert one.own_lines == [f"{name} was killed by SIGKILL; restart 1 of 3"]


def test_a_killed_worker_starts_again_alone_and_the_coordinator_goes_on(tmp_path: Path) -> None:
    with cluster(tmp_path) as running:
        first = pid_of(running[1], "worker", 1)
        os.kill(first, signal.SIGKILL)
        assert ends(running) == [0, 0]
    begun = [line for line in running[1].lines if "task=worker" in line]
    assert len(begun) == 2 and "attempt=0" in begun[1], begun
    assert running[0].output.count("begin chief") == 1
    assert running[1].own_lines == ["worker 1 on algo-2 was killed by SIGKILL; restart 1 of 3"]


def test_sigterm_on_a_node_of_workers_has_the_chief_save(tmp_path: Path) -> None:
    with cluster(tmp_path) as running:
        running[1].process.terminate()
        assert ends(running) == [75, 75]
    assert "saved chief" in running[0].output
    for one in running:
        assert one.own_lines[-1].startswith("interrupted: chief saved and ended")
