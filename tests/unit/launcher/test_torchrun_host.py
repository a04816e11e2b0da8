"""The process that imports torch before the user's code has come."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

SEVERAL_ENDS = """
import os
from tests.support.orders import make_order
from training.launcher.torchrun import host as torchrun_host
from training.launcher.supervise import Supervisor

supervisor = Supervisor()
host = torchrun_host.Host(supervisor, make_order())
told = []
host._start_agent = lambda: None
host._on_end = lambda child: (told.append((child.name, child.ended_at)), setattr(host, "interrupted", len(told) == 2))
host._interrupt = lambda: told
host.ranks = {
    0: supervisor.start("rank 0", lambda: 1),
    1: supervisor.start("rank 1", lambda: __import__("os").kill(__import__("os").getpid(), 9)),
}
for rank in host.ranks.values():  # both have ended before the host looks
    os.waitid(os.P_PID, rank.pid, os.WEXITED | os.WNOWAIT)
(first, at), (second, later) = host.run()
print(first, second, at == later)
"""


def test_of_ranks_that_ended_together_the_killed_one_is_the_reason() -> None:
    """The process that imports for restarts does not look for a second or two."""
    done = subprocess.run([sys.executable, "-c", SEVERAL_ENDS], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "rank 1 rank 0 True\n", done.stderr


LATE_CODE = """
import os, sys
from pathlib import Path
from tests.support.orders import make_order
from training.launcher.forking import host as forking
from training.launcher.torchrun import host as torchrun_host

code = Path(sys.argv[1]) / "code"

class FakeHost:
    def __init__(self, supervisor, order): pass

    def run(self):
        import helper
        return {"code": helper.answer}

def import_and_unpack(*names):
    import colorsys  # looks for it in every folder of the path, as an import of torch does
    code.mkdir()
    (code / "helper.py").write_text("answer = 42")

torchrun_host.Host, forking.preload = FakeHost, import_and_unpack
order_read, order_write = os.pipe()
report_read, report_write = os.pipe()
os.write(order_write, make_order().to_json().encode())
os.close(order_write)
print(torchrun_host.main(order_read, report_write, {"PYTHONPATH": str(code)}))
"""


def test_code_that_is_unpacked_while_torch_is_imported_is_found(tmp_path: Path) -> None:
    """Python remembers that a folder on its path did not exist."""
    command = [sys.executable, "-c", LATE_CODE, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "42\n", done.stderr
