"""The strategy `torchrun`: real process groups on one and two fake nodes, with ranks, agents and hosts killed."""

import hashlib
import os
import shutil
import signal
import socket
import sys
import time
import zipfile
from pathlib import Path

import pytest

from tests.distributed.launching import Node, children, nodes

LOOP = """
import os, signal, sys, time
from datetime import timedelta
import torch, torch.distributed as dist

stop = [False]
signal.signal(signal.SIGTERM, lambda *_: stop.__setitem__(0, True))
dist.init_process_group("gloo", timeout=timedelta(seconds=20))
rank, world, attempt = dist.get_rank(), dist.get_world_size(), int(os.environ["SHARDYARD_ATTEMPT"])
steps = int(sys.argv[1])
path = os.path.join(os.environ["SAGEMAKER_BASE_DIR"], "checkpoints", f"step-{rank}")
start = torch.tensor(int(open(path).read()) if os.path.exists(path) else 0)
dist.all_reduce(start, op=dist.ReduceOp.MIN)
print(f"begin rank={rank} world={world} attempt={attempt} pid={os.getpid()} start={int(start)}", flush=True)
for step in range(int(start), steps):
    flag = torch.tensor([1 if stop[0] else 0])
    dist.all_reduce(flag, op=dist.ReduceOp.MAX)
    # Renamed into place: a rank that is killed in between leaves no empty file
    open(path + ".new", "w").write(str(step))
    os.replace(path + ".new", path)
    if flag.item():
        print(f"saved rank={rank} step={step}", flush=True)
        dist.destroy_process_group()
        sys.exit(75)
    if step == int(start):
        print(f"step rank={rank} attempt={attempt} step={step} at={time.time()}", flush=True)
    time.sleep(0.02)
dist.barrier()
dist.destroy_process_group()
print(f"done rank={rank}", flush=True)
"""


def pid_of(node: Node, rank: int, attempt: int = 0) -> int:
    return int(node.wait_for(rf"begin rank={rank} .*attempt={attempt} pid=(\d+)")[1])


def started(node: Node, rank: int, attempt: int) -> float:
    return float(node.wait_for(rf"step rank={rank} attempt={attempt} .*at=([\d.]+)")[1])


def agent_of(node: Node) -> tuple[int, int]:
    """The torchrun host's process and its agent's."""
    names = {Path(f"/proc/{pid}/comm").read_text().strip(): pid for pid in children(node.process.pid)}
    return names["torchrun-host"], names["torchrun-agent"]


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


@pytest.mark.slow
def test_torch_is_imported_once_for_all_ranks_and_their_restarts(tmp_path: Path) -> None:
    program = """
import os, sys, time
loaded = ["torch" in sys.modules, "torch._dynamo" in sys.modules]
print(f"attempt={os.environ['SHARDYARD_ATTEMPT']} torch={loaded[0]} dynamo={loaded[1]}")
if os.environ["SHARDYARD_ATTEMPT"] == "0":
    time.sleep(12)
    os.kill(os.getpid(), 9)
"""
    with nodes(tmp_path, program, processes=1) as (node,):
        assert node.end() == 0
        assert [line for line in node.lines if "attempt" in line] == [
            "attempt=0 torch=True dynamo=False",
            "attempt=1 torch=True dynamo=True",
        ]


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


def test_a_killed_rank_is_restarted_within_a_second(tmp_path: Path) -> None:
    with nodes(tmp_path, LOOP, arguments=["250"]) as (node,):
        started(node, 1, 0)
        time.sleep(0.5)
        killed = time.time()
        os.kill(pid_of(node, 1), signal.SIGKILL)
        recovered = started(node, 1, 1) - killed
        assert node.end() == 0
        assert int(node.wait_for(r"begin rank=0 .*attempt=1 .*start=(\d+)")[1]) > 5
    # The promise is one second on a quiet machine; the benchmark measures that
    assert recovered < 4, recovered
    assert node.failure == ""
    assert node.own_lines == ["rank 1 on algo-1 was killed by SIGKILL; restart 1 of 3"]


def test_both_nodes_restart_together(tmp_path: Path) -> None:
    with nodes(tmp_path, LOOP, count=2, processes=1, arguments=["250"]) as (first, second):
        started(second, 1, 0)
        time.sleep(0.5)
        os.kill(pid_of(second, 1), signal.SIGKILL)
        started(first, 0, 1)
        started(second, 1, 1)
        assert (first.end(), second.end()) == (0, 0)
    assert second.own_lines == ["rank 1 on algo-2 was killed by SIGKILL; restart 1 of 3"]
    # The other node's rank may have been stopped in time, or failed by itself
    (line,) = first.own_lines
    why, _, how = line.partition("; ")
    assert why == "rank 1 on algo-2 was killed by SIGKILL"
    assert how in ("restart 1 of 3", "the ranks here start again as well")


@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_agent_is_replaced(tmp_path: Path, victim: int) -> None:
    with nodes(tmp_path, LOOP, count=2, processes=1, arguments=["250"]) as running:
        for rank, node in enumerate(running):
            started(node, rank, 0)
        time.sleep(0.3)
        os.kill(agent_of(running[victim])[1], signal.SIGKILL)
        for rank, node in enumerate(running):
            node.wait_for(rf"begin rank={rank} world=2 attempt=[1-9]")
        assert [node.end() for node in running] == [0, 0]
    # Nodes that meet again at different times may start once more
    assert running[victim].own_lines[0] == f"the agent on algo-{victim + 1} was killed by SIGKILL; restart 1 of 3"
    assert running[1 - victim].own_lines


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_torch_process_is_replaced_with_all_that_it_started(tmp_path: Path, victim: int) -> None:
    with nodes(tmp_path, LOOP, count=2, processes=1, arguments=["400"]) as running:
        for rank, node in enumerate(running):
            started(node, rank, 0)
        time.sleep(0.3)
        os.kill(agent_of(running[victim])[0], signal.SIGKILL)
        running[victim].wait_for(rf"step rank={victim} .* step=[1-9]")
        assert [node.end() for node in running] == [0, 0]
    said = f"the torchrun host on algo-{victim + 1} was killed by SIGKILL; restart 1 of 3"
    assert running[victim].own_lines[0] == said


def test_restarts_are_bounded_and_the_first_rank_is_named_on_every_node(tmp_path: Path) -> None:
    program = LOOP.replace("steps = int(sys.argv[1])", "steps = 3\nif rank == 1: raise ValueError('bad thing')")
    with nodes(tmp_path, program, count=2, processes=1, SHARDYARD_MAX_RESTARTS="2") as running:
        assert [node.end() for node in running] == [1, 1]
        assert running[1].output.count("ValueError: bad thing") >= 3
        restarts = [line for line in running[1].own_lines if "; restart " in line]
        why = "rank 1 on algo-2 failed: ValueError: bad thing; restart"
        assert restarts == [f"{why} 1 of 2", f"{why} 2 of 2"]
    for node in running:
        assert node.failure.startswith("rank 1 on algo-2 failed: ValueError: bad thing"), node.failure
    assert 'File "' in running[1].failure
    assert "worker.py" not in running[1].failure


def test_what_cannot_be_healed_is_not_tried_again(tmp_path: Path) -> None:
    with nodes(tmp_path, "import no_such_module", processes=1) as (node,):
        assert node.end() == 1
        assert node.output.count("[rank") == 0
        assert node.output.count("Traceback") == 2, "once from the rank, once in the launcher's own message"
    assert node.failure.startswith("rank 0 on algo-1 failed: ModuleNotFoundError: No module named 'no_such_module'")


def test_a_module_that_does_not_exist_is_not_tried_again(tmp_path: Path) -> None:
    with nodes(tmp_path, "", processes=1, SHARDYARD_ENTRY="mian") as (node,):
        assert node.end() == 1
        assert node.output.count("Traceback") == 2, "once from the rank, once in the launcher's own message"
    code = node.base / "code"
    assert node.failure.splitlines() == [
        f"rank 0 on algo-1 failed: ImportError: No module named mian; did you mean main? ({code} holds main)",
        "Traceback (most recent call last):",
        "ImportError: No module named mian",
    ]


def test_a_module_that_does_not_exist_is_not_tried_again_without_forks_either(tmp_path: Path) -> None:
    with nodes(tmp_path, "", processes=1, SHARDYARD_ENTRY="mian", SHARDYARD_FORK="0") as (node,):
        assert node.end() == 1
        assert node.own_lines[0] == node.failure.splitlines()[0], "there was no restart before it"
    said = f"rank 0 on algo-1 failed: No module named mian; did you mean main? ({node.base / 'code'} holds main)"
    assert node.failure.splitlines()[0] == said


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


def test_a_script_that_cannot_be_compiled_is_not_tried_again(tmp_path: Path) -> None:
    with nodes(tmp_path, "def f(:", processes=1) as (node,):
        assert node.end() == 1
        assert node.output.count("def f(:") == 2, "once from the rank, once in the launcher's own message"
    assert node.failure.startswith("rank 0 on algo-1 failed: SyntaxError: invalid syntax")


def test_a_rank_that_is_killed_is_started_again_whatever_it_had_logged(tmp_path: Path) -> None:
    program = """
import os, traceback
try:
    import no_such_module
except ImportError:
    traceback.print_exc()
if os.environ["SHARDYARD_ATTEMPT"] == "0":
    os.kill(os.getpid(), 9)
"""
    with nodes(tmp_path, program, processes=1) as (node,):
        assert node.end() == 0
    assert node.failure == ""


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    program = "open('/dev/full', 'w').write('x' * 100000)"
    with nodes(tmp_path, program, processes=1) as (node,):
        assert node.end() == 1
    assert "rank 0 on algo-1 failed because the disk is full" in node.failure


def test_a_full_disk_is_said_where_torch_names_only_positions_in_a_file(tmp_path: Path) -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs root and unshare to mount a small disk")
    program = """
import os, torch
print("attempt", os.environ["SHARDYARD_ATTEMPT"])
torch.save(torch.zeros(1 << 20), os.path.join(os.environ["SM_MODEL_DIR"], "model.pt"))
"""
    mount = 'mkdir "$0/model"; mount -t tmpfs -o size=2m none "$0/model"; exec "$@"'
    command = ["unshare", "--mount", "sh", "-c", mount, str(tmp_path / "algo-1"), sys.executable, "-m"]
    with nodes(tmp_path, program, processes=1, command=[*command, "training.launcher"]) as (node,):
        assert node.end() == 1
        assert node.output.count("attempt") == 1
    model = node.base / "model"
    assert node.failure.startswith(f"rank 0 on algo-1 failed because the disk is full: 0.0 MiB free under {model} (")
    assert node.failure.splitlines()[-1].startswith("RuntimeError: "), "what torch said is there as well"


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
        time.sleep(0.3)
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


def test_ranks_that_lose_their_parent_while_they_save_have_saved_nothing(tmp_path: Path) -> None:
    program = LOOP.replace("stop.__setitem__(0, True)", "(os.kill(os.getppid(), 9), time.sleep(60))")
    with nodes(tmp_path, program, processes=1, arguments=["5000"]) as (node,):
        started(node, 0, 0)
        node.process.send_signal(signal.SIGTERM)
        assert node.end(60) == 1
    assert node.failure == "the torchrun host on algo-1 was killed by SIGKILL"


def test_what_a_rank_leaves_behind_does_not_keep_the_launcher(tmp_path: Path) -> None:
    """A daemon in a session of its own survives its rank; it must hold none of the launcher's pipes."""
    program = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print(f"daemon {os.getpid()}", flush=True)
        time.sleep(30)
    os._exit(0)
time.sleep(0.5)
"""
    with nodes(tmp_path, program, processes=1) as (node,):
        began = time.monotonic()
        assert node.process.wait(timeout=25) == 0
        assert time.monotonic() - began < 20
        os.kill(int(node.wait_for(r"daemon (\d+)")[1]), signal.SIGKILL)


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


def test_a_package_of_the_users_may_be_called_training_too(tmp_path: Path) -> None:
    package = tmp_path / "package" / "training"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("mine = True")
    program = f"import sys; sys.path.insert(0, {str(package.parent)!r}); import training; print('mine', training.mine)"
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


def test_a_false_success_is_impossible(tmp_path: Path) -> None:
    """One node's ranks end well and another's fail afterwards: neither launcher ends with 0, and both say why."""
    program = """
import os, sys, time
if os.environ["RANK"] == "1":
    time.sleep(1)
    sys.exit(3)
"""
    with nodes(tmp_path, program, count=2, processes=1, SHARDYARD_MAX_RESTARTS="0") as running:
        assert [node.end() for node in running] == [1, 1]
    for node in running:
        assert node.failure == "rank 1 on algo-2 ended with exit code 3"


def test_a_node_that_had_finished_starts_again_with_the_others(tmp_path: Path) -> None:
    program = """
import os, sys, time
print(f"begin rank={os.environ['RANK']} attempt={os.environ['SHARDYARD_ATTEMPT']}", flush=True)
if os.environ["RANK"] == "1" and os.environ["SHARDYARD_ATTEMPT"] == "0":
    time.sleep(1)
    os.kill(os.getpid(), 9)
"""
    with nodes(tmp_path, program, count=2, processes=1) as running:
        assert [node.end() for node in running] == [0, 0]
        for rank, node in enumerate(running):
            node.wait_for(f"begin rank={rank} attempt=1")
