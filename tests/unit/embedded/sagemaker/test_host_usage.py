"""What a node uses, looked at in a process of the test's own."""

import subprocess
import sys
import time

import pytest

from embedded.nodes.cell.processes import parents
from embedded.services.sagemaker.jobs.host_usage import HostUsage, proportional_bytes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
BUSY = "x = bytearray(50_000_000)\nprint('up', flush=True)\nwhile True: pass"


def test_processor_time_and_memory_are_those_of_the_program_and_all_below_it() -> None:
    with subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE) as busy:
        assert busy.stdout is not None
        busy.stdout.readline()
        usage = HostUsage()
        usage.look(busy.pid, parents())
        time.sleep(0.5)
        used = usage.look(busy.pid, parents())
        shared = proportional_bytes(busy.pid, parents())
        busy.kill()
    assert used is not None and used.cpu_percent > 0 and used.memory_percent > 0
    assert 50_000_000 < shared <= used.resident_bytes * 1.01
    assert usage.look(busy.pid, {}) is None
