"""Who does not come is named, and the process that waits for it ends."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.training.tensorflow import free_ports

ROOT = Path(__file__).parents[3]
WAITS = """
import sys, time
from training.tensorflow.parallel.joining import limited
with limited(float(sys.argv[1])):
    time.sleep(float(sys.argv[2]))
print("went on")
"""


@pytest.mark.parametrize(("limit", "takes"), [("1", "600"), ("600", "0")])
def test_a_wait_ends_in_time_with_the_name_of_who_is_absent(limit: str, takes: str) -> None:
    mine, other = free_ports(2)
    cluster = {"worker": [f"127.0.0.1:{mine}", f"127.0.0.1:{other}"]}
    config = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": 0}})
    done = subprocess.run(
        [sys.executable, "-c", WAITS, limit, takes],
        cwd=ROOT,
        env={"TF_CONFIG": config},
        capture_output=True,
        text=True,
        timeout=300,
    )
    if takes == "0":
        assert (done.returncode, done.stdout) == (0, "went on\n")
    else:
        assert done.returncode == -signal.SIGKILL
        assert done.stderr == f"worker 0: worker 1 (127.0.0.1:{other}) did not come within 1 s\n"
