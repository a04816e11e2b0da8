"""[guards] as real processes: what stands still or is no number ends the run, with names and stacks."""

import re
from pathlib import Path

import pytest

from tests.support.training.launching import nodes

SLOW = pytest.mark.slow
QUIET = {"SHARDYARD_LONGEST_SILENCE": "7"}
"""Longer than the seconds in which the process that forks ranks imports for restarts, and hears nothing."""
HANGS = """
import os, sys, threading, time

def load():
    while True:
        time.sleep(1)

def helper():
    time.sleep(1000)

threading.Thread(target=helper, name="helper", daemon=True).start()
print("metric step=1 loss=0.5", flush=True)
load()
"""
WAITS = """
import os, time
from datetime import timedelta
import torch
import torch.distributed as dist

def load():
    time.sleep(1000)

dist.init_process_group("gloo", timeout=timedelta(minutes=10))
dist.all_reduce(torch.ones(1))
print("metric step=1 loss=0.5", flush=True)
if dist.get_rank() == int(os.environ["STUCK"]):
    load()
dist.all_reduce(torch.ones(1))
"""


@pytest.mark.parametrize(
    ("launcher", "fork"),
    [("plain", "1"), pytest.param("torchrun", "1", marks=SLOW), pytest.param("torchrun", "0", marks=SLOW)],
)
def test_a_silent_program_ends_with_its_place_and_the_stacks_of_all_threads(
    tmp_path: Path, launcher: str, fork: str
) -> None:
    with nodes(tmp_path, HANGS, launcher=launcher, processes=1, SHARDYARD_FORK=fork, **QUIET) as (node,):
        assert node.end(40) == 79
        line = HANGS.splitlines().index("        time.sleep(1)") + 1
        assert f'main.py", line {line} in load' in node.failure.splitlines()[0]
        assert re.match(r"no rank has printed anything for \d+ s \(longest_silence\): it is at File", node.failure)
        assert "in helper" in node.output, "a thread of the program's own"
        # The process that forks ranks hears nothing for a while
        assert launcher == "torchrun" or any("longest_silence ends the run at 7 s" in one for one in node.own_lines)


@SLOW
@pytest.mark.parametrize(("count", "processes", "stuck"), [(1, 2, 1), (2, 1, 1), (2, 1, 0)])
def test_the_rank_that_the_others_wait_for_is_named_on_every_node(
    tmp_path: Path, count: int, processes: int, stuck: int
) -> None:
    variables = {**QUIET, "STUCK": str(stuck)}
    with nodes(tmp_path, WAITS, count=count, processes=processes, **variables) as running:
        assert [node.end(60) for node in running] == [79] * count
        host = f"algo-{stuck + 1 if count > 1 else 1}"
        for node in running:
            assert f"(longest_silence): rank {stuck} on {host} is at File" in node.failure
            assert "in load; 1 of 2 ranks wait in a collective" in node.failure
            assert "restart 1 of" not in node.output


def test_a_program_that_speaks_or_saves_is_left_alone(tmp_path: Path) -> None:
    program = """
import os, time
from pathlib import Path
folder = Path(os.environ["SM_MODEL_DIR"])
folder.mkdir(exist_ok=True, parents=True)
for number in range(7):
    time.sleep(0.5)
    (folder / "weights").write_text(str(number))
print("done", flush=True)
for _ in range(7):
    time.sleep(0.5)
    print(".", end="", flush=True)
"""
    with nodes(tmp_path, program, launcher="plain", SHARDYARD_LONGEST_SILENCE="1.5") as (node,):
        assert node.end(40) == 0
        assert node.failure == ""


def test_a_step_that_stays_the_same_ends_the_run_though_it_prints(tmp_path: Path) -> None:
    program = """
import time
for step in (1, 2, 3):
    print(f"step {step}: loss 0.5", flush=True)
while True:
    print("waiting for data", flush=True)
    time.sleep(0.2)
"""
    with nodes(tmp_path, program, launcher="torchrun", processes=1, SHARDYARD_LONGEST_STEP="2") as (node,):
        assert node.end(40) == 79
        assert node.failure.startswith("the step 3 has been the same for 2 s (longest_step): it is at File")


NAN = """
import os, time
for step in range(1, 400):
    value = "nan" if step >= 5 else "0.5"
    if os.environ.get("RANK", "0") == "0":
        print(f"iter {step}: loss {value}, time 3ms", flush=True)
    time.sleep(0.05)
"""


@pytest.mark.parametrize("launcher", ["plain", "torchrun"])
def test_a_loss_that_is_no_number_ends_a_script_that_saves_nothing(tmp_path: Path, launcher: str) -> None:
    with nodes(tmp_path, NAN, launcher=launcher, processes=1, SHARDYARD_STOP_ON_NAN="1") as (node,):
        assert node.end(40) == 79
        assert node.failure.startswith("the loss is nan at step 5, as ")
        assert "had no handler for the signal: nothing was saved after its last checkpoint" in node.failure


def test_without_the_guard_a_loss_that_is_no_number_is_the_programs_affair(tmp_path: Path) -> None:
    with nodes(tmp_path, NAN.replace("400", "8"), launcher="torchrun", processes=1) as (node,):
        assert node.end(40) == 0


SAVES = """
import time
import torch
from torch import nn
from training.pytorch.checkpoint.checkpointer import Checkpointer
from training.pytorch.process_group import connect

with connect() as ranks:
    model = nn.Linear(2, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with Checkpointer(model=model, optimizer=optimizer, ranks=ranks, every_steps=100) as saved:
        for step in range(saved.restore() + 1, 400):
            if ranks.rank == 0:
                print(f"metric step={step} loss={'nan' if step >= 5 else 0.5}", flush=True)
            time.sleep(0.05)
            saved.after_step(step)
"""


def test_a_program_that_saves_ends_by_a_save_on_all_nodes(tmp_path: Path) -> None:
    with nodes(tmp_path, SAVES, count=2, processes=1, SHARDYARD_STOP_ON_NAN="1") as running:
        assert [node.end(60) for node in running] == [79, 79], [node.output for node in running]
        for node in running:
            assert node.failure.startswith("the loss is nan at step 5, as rank 0 printed (stop_on_nan): every rank of ")
            assert "saved and ended" in node.failure
    assert list(tmp_path.glob("algo-1/checkpoints/**/manifest.json")), "what was saved is there"


UNEVEN = """
import os, time
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from training.pytorch.checkpoint.checkpointer import Checkpointer
from training.pytorch.process_group import connect

with connect() as ranks:
    model = nn.Linear(4, 4)
    parallel = DistributedDataParallel(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    slow = ranks.rank == int(os.environ["SLOW"])
    with Checkpointer(model=model, optimizer=optimizer, ranks=ranks, every_steps=1000) as saved:
        for step in range(saved.restore() + 1, int(os.environ["STEPS"]) + 1):
            time.sleep(0.06 if slow and step > 30 else 0.02)
            optimizer.zero_grad()
            parallel(torch.ones(2, 4)).sum().backward()
            optimizer.step()
            if ranks.rank == 0:
                print(f"metric step={step} loss=0.5", flush=True)
            saved.after_step(step)
"""


@SLOW
@pytest.mark.parametrize(("count", "processes"), [(1, 2), (2, 1)])
def test_a_rank_that_the_others_wait_for_in_every_step_is_named_and_ends_the_run(
    tmp_path: Path, count: int, processes: int
) -> None:
    variables = {"SHARDYARD_SLOW_RANK": "stop:1.6", "SLOW": "1", "STEPS": "3000"}
    with nodes(tmp_path, UNEVEN, count=count, processes=processes, **variables) as running:
        assert [node.end(90) for node in running] == [79] * count, [node.output for node in running]
        for node in running:
            said = node.failure.splitlines()[0]
            found = re.match(rf"rank 1 on algo-{count} is (\d\.\d) times as slow as the others: its own part", said)
            assert found is not None and 1.6 <= float(found[1]) < 6, said
            assert "saved and ended" in said
        assert "launcher: warning: rank 1 on" in running[0].output
        assert re.search(r"^metric slow_rank_ratio=\d", running[0].output, re.M)
    assert list(tmp_path.glob("algo-1/checkpoints/**/manifest.json")), "what was saved is there"


def test_a_slow_rank_is_said_and_its_run_goes_on(tmp_path: Path) -> None:
    variables = {"SHARDYARD_SLOW_RANK": "warn:1.6", "SLOW": "0", "STEPS": "130"}
    with nodes(tmp_path, UNEVEN, processes=2, **variables) as (node,):
        assert node.end(60) == 0, node.output
        warned = [line for line in node.own_lines if line.startswith("warning: ")]
        assert len(warned) == 1 and warned[0].startswith("warning: rank 0 on algo-1 is ")


def test_ranks_that_are_alike_are_left_alone(tmp_path: Path) -> None:
    variables = {"SHARDYARD_SLOW_RANK": "stop:2.5", "SLOW": "-1", "STEPS": "200"}
    with nodes(tmp_path, UNEVEN, processes=2, **variables) as (node,):
        assert node.end(60) == 0, node.output
        assert re.search(r"^metric slow_rank_ratio=1\.\d", node.output, re.M), "they were compared"
