"""The failure file: written whatever stands in the way, and never longer than SageMaker reads."""

import subprocess
import sys
from pathlib import Path

import pytest

from training.launcher.endings.failure import FAILURE_LIMIT_BYTES, MEMORY_EVENTS, killed_for_memory, write

ROOT = Path(__file__).parents[3]


def test_the_file_is_written_even_before_its_folder_exists(tmp_path: Path) -> None:
    write(tmp_path, "one\n" + "x" * 5000)
    assert (tmp_path / "output" / "failure").read_bytes() == b"one\n" + b"x" * (FAILURE_LIMIT_BYTES - 4)


def test_the_file_is_text_wherever_it_is_cut_and_whatever_a_name_holds(tmp_path: Path) -> None:
    write(tmp_path, "x" + "\u00e9" * 1000 + "\udcff")
    text = (tmp_path / "output" / "failure").read_text()
    assert text == "x" + "\u00e9" * ((FAILURE_LIMIT_BYTES - 1) // 2)
    write(tmp_path, "no bytes of text: \udcff")
    assert (tmp_path / "output" / "failure").read_text() == "no bytes of text: ?"


VERSION_1 = "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"
VERSION_2 = "low 0\nhigh 0\nmax 912\noom 7\noom_kill 4\noom_group_kill 9\n"


@pytest.mark.parametrize(
    ("first", "second", "count"),
    [
        (VERSION_2, None, 4),
        (VERSION_2, VERSION_1, 4),
        (None, VERSION_1, 3),
        (None, "oom_kill_disable 0\nunder_oom 0\n", 0),
        (None, None, 0),
    ],
)
def test_the_kernels_count_is_read_in_both_versions_of_control_groups(
    tmp_path: Path, first: str | None, second: str | None, count: int
) -> None:
    paths = (tmp_path / "memory.events", tmp_path / "memory.oom_control")
    for path, text in zip(paths, (first, second), strict=True):
        if text is not None:
            path.write_text(text)
    assert killed_for_memory(paths) == count
    assert [path.name for path in MEMORY_EVENTS] == [path.name for path in paths], "where a container has them"


HOST_KILLED_FOR_MEMORY = """
import os, sys
from pathlib import Path
from types import SimpleNamespace
from training.launcher.endings import failure
from training.launcher.forking import host as forking
from training.launcher.torchrun import host as torchrun_host
from training.launcher.torchrun import strategy as torchrun
from training.launcher.supervise import Supervisor

kills = [7]
failure.killed_for_memory = lambda: kills[0]
torchrun_host.main = lambda *_: os.kill(os.getpid(), 9)
supervisor = Supervisor()
host = torchrun.start_host(supervisor, {})
while host.child.status is None:
    supervisor.step(1)
kills[0] += int(sys.argv[2])
contract = SimpleNamespace(base=Path(sys.argv[1]), current_host="algo-1")
print(forking._describe(SimpleNamespace(contract=contract), host))
"""


@pytest.mark.parametrize(
    ("kills", "why"),
    [("1", "the kernel because the machine ran out of memory (OOM killer)"), ("0", "SIGKILL")],
)
def test_a_torch_process_that_the_kernel_kills_for_memory_is_told_so(tmp_path: Path, kills: str, why: str) -> None:
    command = [sys.executable, "-c", HOST_KILLED_FOR_MEMORY, str(tmp_path), kills]
    done = subprocess.run(command, cwd=ROOT, check=True, timeout=60, capture_output=True, text=True)
    assert done.stdout == f"the torchrun host on algo-1 was killed by {why}\n"
