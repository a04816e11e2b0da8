"""The strategy `mpirun`, with a stand-in for Open MPI that starts as many ranks as it is told."""

import os
import signal
import stat
import sys
from pathlib import Path

from tests.distributed.launching import nodes

MPIRUN = """#!{python}
import os, signal, subprocess, sys
words = sys.argv[1:]
count = int(words[words.index("-np") + 1])
slots = open(words[words.index("--hostfile") + 1]).read().split()
print("hosts", *slots, "passed", words.count("-x"), flush=True)
command = words[words.index(sys.executable):]
ranks = []
for rank in range(count):
    environ = {{**os.environ, "OMPI_COMM_WORLD_RANK": str(rank), "OMPI_COMM_WORLD_SIZE": str(count)}}
    environ |= {{"OMPI_COMM_WORLD_LOCAL_RANK": str(rank), "OMPI_COMM_WORLD_LOCAL_SIZE": str(count)}}
    environ = {{name: value for name, value in environ.items() if not name.startswith("SM_")}}
    ranks.append(subprocess.Popen(command, env=environ))
signal.signal(signal.SIGTERM, lambda *_: [rank.send_signal(signal.SIGTERM) for rank in ranks])
codes = [rank.wait() for rank in ranks]
sys.exit(max(codes))
"""

PROGRAM = """
import os, sys
e = os.environ
print(f"rank {e['RANK']} of {e['WORLD_SIZE']} {e['SM_CURRENT_HOST']} {sys.argv[1:]}\\n", end="", flush=True)
if "--fail" in sys.argv and os.environ["RANK"] == "1":
    raise ValueError("bad thing")
"""


def fake_mpirun(folder: Path) -> dict[str, str]:
    folder.mkdir()
    script = folder / "mpirun"
    script.write_text(MPIRUN.format(python=sys.executable))
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def test_the_right_total_and_the_nodes_own_environment(tmp_path: Path) -> None:
    variables = fake_mpirun(tmp_path / "bin")
    with nodes(tmp_path, PROGRAM, launcher="mpirun", processes=3, hyperparameters={"lr": "1"}, **variables) as (node,):
        assert node.end() == 0
        assert "hosts 127.0.0.1 slots=3" in node.output
        for rank in range(3):
            node.wait_for(rf"rank {rank} of 3 algo-1 \['--lr', '1'\]")


def test_a_failing_rank_fails_the_job(tmp_path: Path) -> None:
    variables = fake_mpirun(tmp_path / "bin")
    with nodes(tmp_path, PROGRAM, launcher="mpirun", arguments=["--fail"], **variables) as (node,):
        assert node.end() == 1
    assert node.failure.startswith("the program on algo-1 failed: ValueError: bad thing")


def test_sigterm_reaches_every_rank(tmp_path: Path) -> None:
    program = """
import os, signal, sys, time
rank = os.environ["RANK"].encode()
signal.signal(signal.SIGTERM, lambda *_: (os.write(1, b"saved %s\\n" % rank), sys.exit(75)))
os.write(1, b"ready %s\\n" % rank)
time.sleep(60)
"""
    variables = fake_mpirun(tmp_path / "bin")
    with nodes(tmp_path, program, launcher="mpirun", **variables) as (node,):
        node.wait_for("ready 0")
        node.wait_for("ready 1")
        node.process.send_signal(signal.SIGTERM)
        assert node.end(30) == 75
        assert {"saved 0", "saved 1"} <= set(node.lines)
