"""The strategy `torchrun`: what is started again after which end, what is not, and who is named."""

import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

from tests.support.training.launcher_loop import LOOP, pid_of, started, wait_for_step
from tests.support.training.launching import Node, children, nodes


def agent_of(node: Node) -> tuple[int, int]:
    """The torchrun host's process and its agent's."""
    names = {Path(f"/proc/{pid}/comm").read_text().strip(): pid for pid in children(node.process.pid)}
    return names["torchrun-host"], names["torchrun-agent"]


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


def test_a_killed_rank_is_restarted_and_goes_on_where_it_was(tmp_path: Path) -> None:
    with nodes(tmp_path, LOOP, arguments=["250"]) as (node,):
        started(node, 1, 0)
        wait_for_step(node, 1, 10)
        os.kill(pid_of(node, 1), signal.SIGKILL)
        assert node.end() == 0
        assert int(node.wait_for(r"begin rank=0 .*attempt=1 .*start=(\d+)")[1]) > 5
    assert node.failure == ""
    assert node.own_lines == ["rank 1 on algo-1 was killed by SIGKILL; restart 1 of 3"]


def test_both_nodes_restart_together(tmp_path: Path) -> None:
    with nodes(tmp_path, LOOP, count=2, processes=1, arguments=["250"]) as (first, second):
        wait_for_step(second, 1, 5)
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


@pytest.mark.parametrize("victim", [0, pytest.param(1, marks=pytest.mark.e2e)])
def test_a_killed_agent_is_replaced(tmp_path: Path, victim: int) -> None:
    with nodes(tmp_path, LOOP, count=2, processes=1, arguments=["250"]) as running:
        for rank, node in enumerate(running):
            wait_for_step(node, rank, 5)
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
            wait_for_step(node, rank, 5)
        os.kill(agent_of(running[victim])[0], signal.SIGKILL)
        running[victim].wait_for(rf"step rank={victim} .* step=[1-9]")
        assert [node.end() for node in running] == [0, 0]
    said = f"the torchrun host on algo-{victim + 1} was killed by SIGKILL; restart 1 of 3"
    assert running[victim].own_lines[0] == said


def test_restarts_are_bounded_and_the_first_rank_is_named_on_every_node(tmp_path: Path) -> None:
    program = LOOP.replace(
        "steps = int(sys.argv[1])", "steps = 3\nif rank == 1: raise ValueError(f'bad thing {attempt}')"
    )
    with nodes(tmp_path, program, count=2, processes=1, SHARDYARD_MAX_RESTARTS="2") as running:
        assert [node.end() for node in running] == [1, 1]
        assert running[1].output.count("ValueError: bad thing") >= 3
        restarts = [line for line in running[1].own_lines if "; restart " in line]
        why = "rank 1 on algo-2 failed: ValueError: bad thing"
        assert restarts == [f"{why} 0; restart 1 of 2", f"{why} 1; restart 2 of 2"]
    for node in running:
        assert node.failure.startswith("rank 1 on algo-2 failed: ValueError: bad thing"), node.failure
    assert 'File "' in running[1].failure
    assert "worker.py" not in running[1].failure


def test_the_same_failure_before_the_first_step_is_tried_once_again_and_not_three_times(tmp_path: Path) -> None:
    program = "def load():\n    raise ValueError('no such column: label')\nload()\n"
    with nodes(tmp_path, program, processes=1) as (node,):
        assert node.end() == 1
        assert node.own_lines[:2] == [
            "rank 0 on algo-1 failed: ValueError: no such column: label; restart 1 of 3",
            "rank 0 failed twice in the same way before its first step: it is not started again",
        ]
        assert node.output.count("Traceback") == 3, "twice from the rank, once in the launcher's own message"


def test_a_failure_after_a_step_is_tried_again_as_often_as_may_be(tmp_path: Path) -> None:
    program = "for step in (1, 2, 3):\n    print('step', step, flush=True)\nraise ValueError('now and then')\n"
    with nodes(tmp_path, program, processes=1) as (node,):
        assert node.end() == 1
        assert sum("; restart " in line for line in node.own_lines) == 3
        assert "the program began again at step 1; it had come to 3" in node.own_lines


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


def test_ranks_that_lose_their_parent_while_they_save_have_saved_nothing(tmp_path: Path) -> None:
    program = LOOP.replace("stop.__setitem__(0, True)", "(os.kill(os.getppid(), 9), time.sleep(60))")
    with nodes(tmp_path, program, processes=1, arguments=["5000"]) as (node,):
        started(node, 0, 0)
        node.process.send_signal(signal.SIGTERM)
        assert node.end(60) == 1
    assert node.failure == "the torchrun host on algo-1 was killed by SIGKILL"


AFTER_RANK_0 = """
import os, time
from pathlib import Path

if os.environ["RANK"] == "0":
    Path("{folder}/rank-0.new").write_text(str(os.getpid()))
    os.rename("{folder}/rank-0.new", "{folder}/rank-0")

def wait_for_rank_0():
    while not Path("{folder}/rank-0").exists():
        time.sleep(0.01)
    while Path("/proc", Path("{folder}/rank-0").read_text()).exists():  # until its host has taken note of its end
        time.sleep(0.01)
"""
"""Lets rank 1 wait until rank 0, on the other node, has ended."""


def test_a_false_success_is_impossible(tmp_path: Path) -> None:
    """One node's ranks end well and another's fail afterwards: neither launcher ends with 0, and both say why."""
    program = """
import os, sys
if os.environ["RANK"] == "1":
    wait_for_rank_0()
    sys.exit(3)
"""
    with nodes(
        tmp_path, AFTER_RANK_0.format(folder=tmp_path) + program, count=2, processes=1, SHARDYARD_MAX_RESTARTS="0"
    ) as running:
        assert [node.end() for node in running] == [1, 1]
    for node in running:
        assert node.failure == "rank 1 on algo-2 ended with exit code 3"


def test_a_node_that_had_finished_starts_again_with_the_others(tmp_path: Path) -> None:
    program = """
import os
print(f"begin rank={os.environ['RANK']} attempt={os.environ['SHARDYARD_ATTEMPT']}", flush=True)
if os.environ["RANK"] == "1" and os.environ["SHARDYARD_ATTEMPT"] == "0":
    wait_for_rank_0()
    os.kill(os.getpid(), 9)
"""
    with nodes(tmp_path, AFTER_RANK_0.format(folder=tmp_path) + program, count=2, processes=1) as running:
        assert [node.end() for node in running] == [0, 0]
        for rank, node in enumerate(running):
            node.wait_for(f"begin rank={rank} attempt=1")
