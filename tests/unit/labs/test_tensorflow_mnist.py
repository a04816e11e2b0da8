"""Lab 2: the neighbour that takes a machine for a part of the time."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

CODE = Path(__file__).resolve().parents[3] / "labs/02-tensorflow-mnist/code"
HINDERED = """
import sys
from neighbour import hindered, part_of_time
with hindered(part_of_time(sys.argv[1])):
    print("began", flush=True)
    sys.stdin.readline()
print("ended", flush=True)
"""


def is_stopped(process: int) -> bool:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def was_stopped(process: int, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if is_stopped(process):
            return True
        time.sleep(0.001)
    return False


@pytest.mark.parametrize(("part", "stops", "seconds"), [("0.9", True, 30), ("0", False, 0.5)])
def test_a_hindered_process_stands_still_in_turn_and_goes_on_at_the_end(part: str, stops: bool, seconds: float) -> None:
    command = [sys.executable, "-c", HINDERED, part]
    with subprocess.Popen(command, cwd=CODE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "began\n"
        assert was_stopped(process.pid, seconds) == stops
        said, _ = process.communicate("\n", timeout=60)
    assert (said, process.returncode) == ("ended\n", 0)


@pytest.mark.parametrize("text", ["1", "-0.1"])
def test_a_part_of_time_that_leaves_none_or_too_much_is_refused(text: str) -> None:
    program = f"from neighbour import part_of_time; part_of_time({text!r})"
    done = subprocess.run([sys.executable, "-c", program], cwd=CODE, capture_output=True, text=True)
    assert f"'{text}' must be 0 or more, and below 1" in done.stderr
