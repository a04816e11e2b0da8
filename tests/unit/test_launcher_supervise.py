"""The supervisor's children: what reaches them, and when."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

EARLY_SIGNAL = """
import os, signal, time
from training.launcher.supervise import Supervisor

setsid = os.setsid
os.setsid = lambda: (time.sleep(0.3), setsid())  # the first thing that a child does
supervisor = Supervisor()
child = supervisor.start("slow", lambda: time.sleep(10))
os.kill(child.pid, signal.SIGTERM)
began = time.monotonic()
while child.status is None:
    supervisor.step(20)
print(child.status, time.monotonic() - began < 5, supervisor.terminated)
"""


def test_a_signal_to_a_child_that_has_only_just_been_forked_is_not_lost() -> None:
    """Until the child has put the default handling back, the parent's handler would take the signal and forget it."""
    done = subprocess.run([sys.executable, "-c", EARLY_SIGNAL], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["-15", "True", "False"], done.stderr
