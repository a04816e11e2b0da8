"""Lab 2: the neighbours that take a machine's processor."""

import os
import subprocess
import sys
from pathlib import Path

CODE = Path(__file__).resolve().parents[3] / "labs/02-tensorflow-mnist/code"
SHARING = """
import os, sys
from neighbour import sharing_a_processor
with sharing_a_processor(int(sys.argv[1])):
    print(sorted(os.sched_getaffinity(0)), flush=True)
    sys.stdin.readline()
print(sorted(os.sched_getaffinity(0)), flush=True)
"""


def children(process: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def test_neighbours_compute_on_the_one_processor_and_are_gone_afterwards() -> None:
    command = [sys.executable, "-c", SHARING, "2"]
    all_of_them = sorted(os.sched_getaffinity(0))
    with subprocess.Popen(command, cwd=CODE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"[{all_of_them[-1]}]\n"
        found = children(process.pid)
        assert [os.sched_getaffinity(one) for one in found] == [{all_of_them[-1]}] * 2
        said, _ = process.communicate("\n", timeout=60)
    assert (said, process.returncode) == (f"{all_of_them}\n", 0)
    assert not any(Path(f"/proc/{one}").exists() for one in found)


def test_without_neighbours_a_process_keeps_its_processors() -> None:
    done = subprocess.run([sys.executable, "-c", SHARING, "0"], cwd=CODE, input="\n", capture_output=True, text=True)
    assert done.stdout == f"{sorted(os.sched_getaffinity(0))}\n" * 2
