"""The supervisor's children: what reaches them, and when."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

EARLY_SIGNAL = """
import os, signal, time
from training.launcher.supervise import Supervisor

setsid = os.setsid
os.setsid = lambda: (time.sleep(0.3), setsid())  # the first thing that a child does
supervisor = Supervisor()
child = supervisor.start("slow", lambda: time.sleep(600))  # if the signal is lost, the test runs out of time
os.kill(child.pid, signal.SIGTERM)
while child.status is None:
    supervisor.step(20)
print(child.status, supervisor.terminated)
"""


def test_a_signal_to_a_child_that_has_only_just_been_forked_is_not_lost() -> None:
    """Until the child has put the default handling back, the parent's handler would take the signal and forget it."""
    done = subprocess.run([sys.executable, "-c", EARLY_SIGNAL], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["-15", "False"], done.stderr


LONG_STEP = """
from training.launcher.supervise import Supervisor

supervisor = Supervisor()
child = supervisor.start("short", lambda: 3)
while child.status is None:
    supervisor.step(1e300)
print(child.status)
"""


def test_a_time_longer_than_the_kernel_knows_is_waited_for() -> None:
    done = subprocess.run([sys.executable, "-c", LONG_STEP], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "3\n", done.stderr


DEAD_HOST = """
from tests.support.orders import make_order
from training.launcher.forking import host as forking
from training.launcher.torchrun import host as torchrun_host
from training.launcher.torchrun import strategy as torchrun
from training.launcher.supervise import Supervisor

torchrun_host.main = lambda *_: 1
supervisor = Supervisor()
host = torchrun.start_host(supervisor, {})
while host.child.status is None:
    supervisor.step(1)
print(forking.run_once(supervisor, host, make_order()), host.child.status)
"""


def test_a_torch_process_that_died_before_its_order_is_known_by_its_own_end() -> None:
    """While the other nodes are awaited for minutes, an image without torch has long said so."""
    done = subprocess.run([sys.executable, "-c", DEAD_HOST], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "None 1\n", done.stderr


EARLY_KILL = EARLY_SIGNAL.replace("os.kill(child.pid, signal.SIGTERM)", "supervisor.kill_groups([child])")


def test_a_child_that_is_killed_before_it_has_a_group_is_killed_all_the_same() -> None:
    assert EARLY_KILL != EARLY_SIGNAL
    done = subprocess.run([sys.executable, "-c", EARLY_KILL], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.split()[0] == "-9", done.stdout + done.stderr


OUTPUT = """
import os, time
from training.launcher.supervise import Supervisor

def speak():
    os.write(1, b"one\\ntw")
    time.sleep(0.1)
    os.write(1, b"o\\n10%\\r20%\\r" + b"x" * 20000)
    time.sleep(0.1)
    os.write(1, b"last words")
    if os.fork() == 0:
        time.sleep(10)  # holds the pipe open beyond its parent's end

supervisor = Supervisor()
child = supervisor.start("rank 0", speak, prefix="[rank 0] ")
while child.status is None:
    supervisor.step(10)
supervisor.kill_groups([child])
"""


def test_ranks_lines_are_told_apart_also_those_of_progress_bars_and_those_without_an_end() -> None:
    done = subprocess.run([sys.executable, "-c", OUTPUT], cwd=ROOT, capture_output=True, timeout=60)
    lines = [b"one\n", b"two\n", b"10%\r", b"20%\r", b"x" * 20000 + b"\n", b"last words\n"]
    assert done.stdout == b"".join(b"[rank 0] " + line for line in lines), done.stderr


WITHOUT_PREFIX = """
import os, time
from training.launcher.supervise import Supervisor

def speak():
    os.write(2, b"one li")
    time.sleep(0.1)
    os.write(1, b"another\\nsecon")
    time.sleep(0.1)
    os.write(2, b"ne\\n")
    time.sleep(0.1)
    os.write(1, b"d\\n" + b"x" * 100000)
    time.sleep(0.1)
    os.write(1, b"x" * 100000 + b"\\n")
    time.sleep(0.1)
    os.write(2, b"10%\\r20%")

supervisor = Supervisor()
child = supervisor.start("the program", speak)
while child.status is None:
    supervisor.step(10)
os.write(2, b"launcher: a line of its own\\n")
print(child.tail)
"""


def test_where_both_outputs_go_to_one_place_no_line_of_one_lands_within_a_line_of_the_other() -> None:
    """Python writes a line and its break one after the other where it does not buffer: `-u`."""
    command = [sys.executable, "-c", WITHOUT_PREFIX]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    *lines, tail = done.stdout.splitlines(keepends=True)
    parts = [b"another\n", b"one line\n", b"second\n", b"x" * 200000 + b"\n", b"10%\r", b"20%\n"]
    assert lines == [*parts, b"launcher: a line of its own\n"]
    assert tail == b"b'one line\\n10%\\r20%'\n", "the failure file is made of standard error alone"


WHERE_IT_WRITES = """
import os
from training.launcher.supervise import Supervisor

supervisor = Supervisor()
own = os.fstat(1)
child = supervisor.start("the program", lambda: print("same", os.fstat(1) == own, "terminal", os.isatty(1)))
while child.status is None:
    supervisor.step(10)
"""


def test_an_output_that_has_a_place_of_its_own_is_handed_over_as_it_is() -> None:
    command = [sys.executable, "-c", WHERE_IT_WRITES]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "same True terminal False\n", done.stderr
    both = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    assert both.stdout == "same False terminal False\n"


def test_a_terminal_stays_one() -> None:
    ours, theirs = pty.openpty()
    subprocess.run([sys.executable, "-c", WHERE_IT_WRITES], cwd=ROOT, stdout=theirs, stderr=theirs, timeout=60)
    assert os.read(ours, 1000).split() == [b"same", b"True", b"terminal", b"True"]
    os.close(ours)
    os.close(theirs)


STOPPED_BY_ANOTHER = """
import os, time
from training.launcher.supervise import Supervisor

supervisor = Supervisor()
order, give = os.pipe()
supervisor.watch(order, lambda: (os.read(order, 1), supervisor.stop([child], grace_seconds=0.0)))
os.write(give, b"x")
spoken, say = os.pipe()
child = supervisor.start("rank 0", lambda: (os.write(2, b"words\\n"), os.write(say, b"x"), time.sleep(600)))
os.read(spoken, 1)  # both are ready now, the order first
supervisor.step(10)
print(child.status)
"""


def test_a_child_that_is_stopped_while_its_words_wait_to_be_read_ends_nobody_else() -> None:
    """Its pipe is closed when its turn comes, and the number may belong to another one by then."""
    command = [sys.executable, "-c", STOPPED_BY_ANOTHER]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("-15\n", "words\n")


IGNORED_SIGNALS = """
import os
from training.launcher.supervise import Supervisor, execute

supervisor = Supervisor()
child = supervisor.start("script", execute(["grep", "SigIgn", "/proc/self/status"], dict(os.environ), working_dir=None))
while child.status is None:
    supervisor.step(10)
"""


def test_a_program_ignores_no_signal_because_python_does() -> None:
    """Python ignores SIGPIPE, and a shell script that inherited that would not end where its reader has gone."""
    done = subprocess.run([sys.executable, "-c", IGNORED_SIGNALS], cwd=ROOT, capture_output=True, text=True, timeout=60)
    ignored = int(done.stdout.split()[1], 16)  # of the others, whoever started the tests may ignore some
    assert not [number for number in (signal.SIGPIPE, signal.SIGXFSZ) if ignored >> (number - 1) & 1], done.stderr
