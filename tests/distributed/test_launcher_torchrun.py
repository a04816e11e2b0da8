"""The strategy `torchrun`: real process groups on one and two fake nodes, what forks can do, and how they stop."""

import hashlib
import os
import signal
import socket
import sys
import time
import zipfile
from pathlib import Path

import pytest

from tests.support.training.launcher_loop import LOOP, started
from tests.support.training.launching import children, nodes


@pytest.mark.parametrize("fork", ["1", "0"])
def test_ranks_form_a_group(tmp_path: Path, fork: str) -> None:
    program = f"import sys; print('loaded', 'torch' in sys.modules)\n{LOOP}"
    with nodes(tmp_path, program, arguments=["3"], SHARDYARD_FORK=fork) as (node,):
        assert node.end() == 0
        assert node.output.count("loaded True") == (2 if fork == "1" else 0)
        for rank in (0, 1):
            node.wait_for(rf"^\[rank {rank}\] begin rank={rank} world=2 attempt=0")
            node.wait_for(rf"done rank={rank}")
    assert node.failure == ""


def test_two_nodes_form_one_group_in_natural_order(tmp_path: Path) -> None:
    with nodes(tmp_path, LOOP, count=2, arguments=["3"]) as (first, second):
        assert (first.end(), second.end()) == (0, 0)
        for rank, node in enumerate([first, first, second, second]):
            node.wait_for(rf"begin rank={rank} world=4")


def test_a_port_that_another_process_has_is_said_at_once(tmp_path: Path) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = str(taken.getsockname()[1])
        with nodes(tmp_path, LOOP, count=2, processes=1, SHARDYARD_RENDEZVOUS_PORT=port) as (first, _):
            assert first.end(30) == 1
            assert first.output.count("Traceback") == 1
    assert first.failure.startswith(f"algo-1 could not open port {port} for the other nodes: torch.distributed.Dist")
    assert first.failure.endswith("address already in use; set SHARDYARD_RENDEZVOUS_PORT to a free one")


@pytest.mark.slow
def test_a_node_that_never_comes_to_the_rendezvous_is_named(tmp_path: Path) -> None:
    with nodes(tmp_path, LOOP, count=2, processes=1, SHARDYARD_HOST_WAIT_SECONDS="3") as (first, second):
        second.process.kill()
        assert first.end(60) == 1
    assert first.failure.startswith("algo-2 never came to the rendezvous: read its log, and check that the security")


def test_the_code_channels_own_modules_are_found(tmp_path: Path) -> None:
    channel = tmp_path / "algo-1" / "input" / "data" / "code"
    channel.mkdir(parents=True)
    with zipfile.ZipFile(channel / "code.zip", "w") as archive:
        archive.writestr("train.py", "import helper; print('answer', helper.answer)")
        archive.writestr("helper.py", "answer = 42")
    digest = hashlib.sha256((channel / "code.zip").read_bytes()).hexdigest()
    late = ["sh", "-c", 'rm -r "$SAGEMAKER_BASE_DIR/code"; exec "$@"', "sh", sys.executable, "-m", "training.launcher"]
    settings = {"SHARDYARD_ENTRY": "train.py", "SHARDYARD_SOURCE_SHA256": digest}
    with nodes(tmp_path, "", processes=1, command=late, **settings) as (node,):
        assert node.end() == 0
        assert "answer 42" in node.output


@pytest.mark.parametrize("told", [(0,), (1,), (0, 1)])
def test_after_sigterm_all_nodes_save_at_one_step_and_end_with_75(tmp_path: Path, told: tuple[int, ...]) -> None:
    with nodes(tmp_path, LOOP, count=2, processes=1, arguments=["5000"]) as running:
        for rank, node in enumerate(running):
            started(node, rank, 0)
        for number in told:
            running[number].process.send_signal(signal.SIGTERM)
        assert [node.end(60) for node in running] == [75, 75]
        steps = [node.wait_for(r"saved rank=\d step=(\d+)")[1] for node in running]
        assert steps[0] == steps[1]
    assert [node.failure for node in running] == ["", ""]
    assert [node.own_lines for node in running] == [
        [f"interrupted: every rank of algo-{number} saved and ended; exit 75"] for number in (1, 2)
    ]


def test_sigterm_before_the_program_runs_is_an_interruption(tmp_path: Path) -> None:
    with nodes(tmp_path, LOOP, arguments=["5000"]) as (node,):
        while not children(node.process.pid):  # torch is being imported, which takes longer than the signal
            time.sleep(0.001)
        node.process.send_signal(signal.SIGTERM)
        assert node.end(60) == 75
    assert node.failure == ""
    assert node.own_lines == ["interrupted: SIGTERM came before the program was started; exit 75"]


def test_a_rank_that_does_not_stop_is_killed_and_named(tmp_path: Path) -> None:
    program = LOOP.replace(
        "signal.signal(signal.SIGTERM", "signal.signal(signal.SIGTERM, signal.SIG_IGN), (lambda *_: 0)(0"
    )
    with nodes(tmp_path, program, arguments=["5000"], SHARDYARD_STOP_GRACE_SECONDS="1") as (node,):
        started(node, 1, 0)
        node.process.send_signal(signal.SIGTERM)
        assert node.end(60) == 1
    assert "was interrupted (SIGTERM) and did not stop within 1 s: it was killed" in node.failure


def test_what_a_rank_leaves_behind_does_not_keep_the_launcher(tmp_path: Path) -> None:
    """A daemon in a session of its own survives its rank; it must hold none of the launcher's pipes."""
    program = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print(f"daemon {os.getpid()}", flush=True)
        time.sleep(600)
    os._exit(0)
time.sleep(0.5)
"""
    with nodes(tmp_path, program, processes=1) as (node,):
        assert node.process.wait(timeout=60) == 0
        os.kill(int(node.wait_for(r"daemon (\d+)")[1]), signal.SIGKILL)  # fails unless the daemon outlived it


def test_forks_share_no_random_numbers_and_exit_handlers_run(tmp_path: Path) -> None:
    program = """
import atexit, os, random, threading, time
import numpy
atexit.register(lambda: os.write(1, b"exit handler ran\\n"))
threading.Thread(target=lambda: (time.sleep(0.3), os.write(1, b"thread was awaited\\n"))).start()
print(f"drawn={random.random()}/{numpy.random.rand()}")
"""
    with nodes(tmp_path, program) as (node,):
        assert node.end() == 0
        drawn = [line.split("drawn=")[1] for line in node.lines if "drawn=" in line]
        assert len(drawn) == 2
        assert drawn[0].split("/")[0] != drawn[1].split("/")[0]
        assert drawn[0].split("/")[1] != drawn[1].split("/")[1]
        assert node.output.count("exit handler ran") == 2
        assert node.output.count("thread was awaited") == 2


@pytest.mark.parametrize("name", ["contract", "training"])
def test_a_package_of_the_users_may_have_the_name_of_one_of_ours(name: str, tmp_path: Path) -> None:
    package = tmp_path / "package" / name
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("mine = True")
    program = f"import sys; sys.path.insert(0, {str(package.parent)!r}); import {name}; print('mine', {name}.mine)"
    with nodes(tmp_path, program, processes=1) as (node,):
        assert node.end() == 0
        assert "mine True" in node.output


def test_a_data_loader_and_a_big_product_work_in_a_fork(tmp_path: Path) -> None:
    """OpenMP and forked or spawned workers are what a fork could break."""
    program = """
import torch
from torch.utils.data import DataLoader

class Squares:
    def __len__(self): return 8
    def __getitem__(self, number): return number * number

if __name__ == "__main__":
    torch.set_num_threads(2)
    product = torch.ones(400, 400) @ torch.ones(400, 400)
    for method in ("fork", "spawn"):
        loaded = DataLoader(Squares(), batch_size=4, num_workers=2, multiprocessing_context=method)
        print(method, [batch.tolist() for batch in loaded], product[0, 0].item())
"""
    with nodes(tmp_path, program, processes=1) as (node,):
        assert node.end() == 0
        for method in ("fork", "spawn"):
            assert f"{method} [[0, 1, 4, 9], [16, 25, 36, 49]] 400.0" in node.output
