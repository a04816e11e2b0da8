"""The strategy `mpirun`: with a stand-in that starts as many ranks as it is told, and with Open MPI itself."""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import stat
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.fault_rounds.cluster import two_networks
from tests.support.training.launching import Node, nodes

needs_open_mpi = pytest.mark.skipif(
    shutil.which("mpirun") is None, reason="Open MPI is not installed: apt-get install openmpi-bin"
)
needs_namespaces = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("ip") is None, reason="needs root and ip for a network of each node"
)

MPIRUN = """#!{python}
import os, signal, subprocess, sys
words = sys.argv[1:]
count = int(words[words.index("-np") + 1])
slots = open(words[words.index("--hostfile") + 1]).read().split()
print("hosts", *slots, flush=True)
command = words[words.index(sys.executable):]
ranks = []
for rank in range(count):
    environ = {{**os.environ, "OMPI_COMM_WORLD_RANK": str(rank), "OMPI_COMM_WORLD_SIZE": str(count)}}
    environ |= {{"OMPI_COMM_WORLD_LOCAL_RANK": str(rank), "OMPI_COMM_WORLD_LOCAL_SIZE": str(count)}}
    ranks.append(subprocess.Popen(command, env=environ))
signal.signal(signal.SIGUSR1, lambda *_: [rank.send_signal(signal.SIGUSR1) for rank in ranks])
codes = [rank.wait() for rank in ranks]
sys.exit(max(codes))
"""

PROGRAM = """
import os, sys
e = os.environ
print(f"rank {e['RANK']} of {e['WORLD_SIZE']} {e['SM_CURRENT_HOST']} {sys.argv[1:]}\\n", end="", flush=True)
if "--fail" in sys.argv and os.environ["RANK"] == "1":
    raise ValueError("bad thing")
"""


def fake_mpirun(folder: Path) -> dict[str, str]:
    folder.mkdir()
    script = folder / "mpirun"
    script.write_text(MPIRUN.format(python=sys.executable))
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def test_the_right_total_and_the_nodes_own_environment(tmp_path: Path) -> None:
    variables = fake_mpirun(tmp_path / "bin")
    with nodes(tmp_path, PROGRAM, launcher="mpirun", processes=3, hyperparameters={"lr": "1"}, **variables) as (node,):
        assert node.end() == 0
        assert "hosts 127.0.0.1 slots=3" in node.output
        for rank in range(3):
            node.wait_for(rf"rank {rank} of 3 algo-1 \['--lr', '1'\]")


def test_a_failing_rank_fails_the_job(tmp_path: Path) -> None:
    variables = fake_mpirun(tmp_path / "bin")
    with nodes(tmp_path, PROGRAM, launcher="mpirun", arguments=["--fail"], **variables) as (node,):
        assert node.end() == 1
    assert node.failure.startswith("rank 1 on algo-1 failed: ValueError: bad thing\nTraceback")


def test_a_package_of_the_users_may_be_called_training_too(tmp_path: Path) -> None:
    variables = fake_mpirun(tmp_path / "bin")
    channel = tmp_path / "algo-1" / "input" / "data" / "code"
    channel.mkdir(parents=True)
    with zipfile.ZipFile(channel / "code.zip", "w") as archive:
        archive.writestr("training/__init__.py", "mine = 1")
        archive.writestr("training/launcher.py", "raise ImportError('not the one that was meant')")
        archive.writestr("main.py", "import os, training; print('mine', training.mine, os.environ['RANK'])")
    variables["SHARDYARD_SOURCE_SHA256"] = hashlib.sha256((channel / "code.zip").read_bytes()).hexdigest()
    with nodes(tmp_path, "", launcher="mpirun", **variables) as (node,):
        assert node.end() == 0
        assert {"[rank 0] mine 1 0", "[rank 1] mine 1 1"} <= set(node.lines)


SAVES = """
import os, signal, sys, time
rank = os.environ["RANK"]
signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.5 + float(rank)), print("saved", rank), sys.exit(75)))
print("ready", rank)
time.sleep(60)
"""


def test_sigterm_reaches_every_rank(tmp_path: Path) -> None:
    variables = fake_mpirun(tmp_path / "bin")
    with nodes(tmp_path, SAVES, launcher="mpirun", **variables) as (node,):
        node.wait_for("ready 0")
        node.wait_for("ready 1")
        node.process.send_signal(signal.SIGTERM)
        assert node.end(30) == 75
        assert {"[rank 0] saved 0", "[rank 1] saved 1"} <= set(node.lines)
    assert node.own_lines == ["interrupted: every rank saved and ended; exit 75"]


def test_an_image_without_open_mpi_is_told_so(tmp_path: Path) -> None:
    with nodes(tmp_path, PROGRAM, launcher="mpirun", PATH=str(tmp_path)) as (node,):
        assert node.end() == 1
    expected = "the image has no mpirun: install Open MPI 4 in it, or set launcher to torchrun or plain"
    assert node.failure == expected


@pytest.mark.parametrize("code", [0, 75])
def test_a_rank_that_says_nothing_or_was_interrupted_is_no_success(tmp_path: Path, code: int) -> None:
    folder = tmp_path / "bin"
    variables = fake_mpirun(folder)
    if code == 0:
        (folder / "mpirun").write_text("#!/bin/sh\nexit 0\n")
    with nodes(tmp_path, f"import sys; sys.exit({code})", launcher="mpirun", **variables) as (node,):
        assert node.end() == (1 if code == 0 else 75)
    assert node.failure == ("mpirun ended with 0, but nothing is known of rank 0, 1" if code == 0 else "")


@contextlib.contextmanager
def real_nodes(
    tmp_path: Path, program: str, *, wait_seconds: str = "900", **hyperparameters: str
) -> Iterator[list[Node]]:
    """Two nodes with two ranks each, under Open MPI, each in a network and with a host name of its own."""
    addresses = json.dumps({"algo-1": "10.77.0.1", "algo-2": "10.77.0.2"})
    with (
        two_networks() as networks,
        nodes(
            tmp_path,
            program,
            count=2,
            launcher="mpirun",
            hyperparameters=hyperparameters,
            networks=networks,
            SHARDYARD_HOST_ADDRESSES=addresses,
            SHARDYARD_HOST_WAIT_SECONDS=wait_seconds,
        ) as running,
    ):
        yield running


@needs_open_mpi
@needs_namespaces
def test_two_real_nodes_run_without_ssh_each_with_its_own_environment(tmp_path: Path) -> None:
    with real_nodes(tmp_path, PROGRAM, note='a : b $(id) "q"', colon=":") as running:
        assert [node.end() for node in running] == [0, 0]
        for rank in range(4):
            running[0].wait_for(rf"rank {rank} of 4 algo-{rank // 2 + 1} .*'--colon', ':', .*'a : b \$\(id\) \"q\"'")
    assert [node.failure for node in running] == ["", ""]


@needs_open_mpi
@needs_namespaces
def test_a_rank_that_fails_is_named_on_every_real_node(tmp_path: Path) -> None:
    program = "import os, time\nif os.environ['RANK'] == '3': raise ValueError('bad thing')\ntime.sleep(60)"
    with real_nodes(tmp_path, program) as running:
        assert [node.end(60) for node in running] == [1, 1]
    for node in running:
        assert node.failure.startswith("rank 3 on algo-2 failed: ValueError: bad thing\nTraceback")


@pytest.mark.slow
@needs_open_mpi
@needs_namespaces
@pytest.mark.parametrize("told", [(0,), (1,), (0, 1)])
def test_all_real_ranks_save_whichever_node_is_told_to_stop(tmp_path: Path, told: tuple[int, ...]) -> None:
    with real_nodes(tmp_path, SAVES) as running:
        for rank in range(4):
            running[0].wait_for(f"ready {rank}")
        for number in told:
            running[number].process.send_signal(signal.SIGTERM)
        assert [node.end(60) for node in running] == [75, 75]
        assert {f"[rank {rank}] saved {rank}" for rank in range(4)} <= set(running[0].lines)
    for node in running:
        assert node.own_lines == ["interrupted: every rank saved and ended; exit 75"]


@pytest.mark.slow
@needs_open_mpi
@needs_namespaces
@pytest.mark.parametrize("victim", [0, 1])
def test_a_real_node_that_is_lost_ends_the_other(tmp_path: Path, victim: int) -> None:
    with real_nodes(tmp_path, SAVES) as running:
        for rank in range(4):
            running[0].wait_for(f"ready {rank}")
        running[victim].process.kill()
        assert running[1 - victim].end(60) == 1
        assert running[1 - victim].failure


@needs_open_mpi
@needs_namespaces
@pytest.mark.parametrize(
    ("absent", "says"),
    [
        (1, "algo-2 did not call within 2 s"),
        (0, "the first node could not be reached on port 29401: [Errno 111] Connection refused"),
    ],
)
def test_a_real_node_that_never_comes_is_missed_by_name(tmp_path: Path, absent: int, says: str) -> None:
    with real_nodes(tmp_path, PROGRAM, wait_seconds="2") as running:
        running[absent].process.kill()
        assert running[1 - absent].end(60) == 1
    assert running[1 - absent].failure == says
