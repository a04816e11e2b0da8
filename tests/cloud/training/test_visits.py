"""Into a running node: what runs there, what it sees, who may."""

import os
import pty
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from embedded import lifecycle
from tests.support.clouds.training_cloud import TrainingCloud, wait_until

PROGRAM = """
import os, time
os.makedirs("/opt/ml/code", exist_ok=True)
open("/opt/ml/model/mark", "w").write(os.uname().nodename)
print("ready", flush=True)
while not os.path.exists("/opt/ml/model/end"):
    time.sleep(0.05)
"""


LONG = {"StoppingCondition__MaxRuntimeInSeconds": 600}


@pytest.fixture(scope="module")
def job(cloud: TrainingCloud) -> Any:
    """A job on two nodes that runs until a file appears."""
    cloud.create("visited", cloud.image("visited", PROGRAM), ResourceConfig__InstanceCount=2, **LONG)
    for host in ("algo-1", "algo-2"):
        cloud.wait_for_line("visited", "ready", host)
    yield "visited"
    for host in ("algo-1", "algo-2"):
        visit(cloud, "touch", "/opt/ml/model/end", host=host)
    assert cloud.finished("visited")["TrainingJobStatus"] == "Completed"


def visit(
    cloud: TrainingCloud, *command: str, host: str = "algo-1", given: str = ""
) -> subprocess.CompletedProcess[str]:
    way = cloud.admin("visit", job="visited", host=host)
    return subprocess.run(
        [*way["command"], "pipes", *command],
        env=way["environment"],
        cwd="/",
        input=given,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_command_runs_in_the_node_that_was_named(cloud: TrainingCloud, job: str) -> None:
    asks = "cat /opt/ml/model/mark; echo; hostname; pwd; echo $TRAINING_JOB_NAME"
    for host in ("algo-1", "algo-2"):
        done = visit(cloud, "sh", "-c", asks, host=host)
        assert (done.returncode, done.stderr) == (0, "")
        mark, name, folder, job_name = done.stdout.split()
        assert mark == name and folder == "/opt/ml/code" and job_name == job


def test_exit_code_input_and_both_outputs_pass(cloud: TrainingCloud, job: str) -> None:
    done = visit(cloud, "sh", "-c", "cat; echo to error >&2; exit 7", given="line\n" * 50_000)
    assert (done.returncode, done.stdout, done.stderr) == (7, "line\n" * 50_000, "to error\n")
    assert visit(cloud, "sh", "-c", "kill -9 $$").returncode == 137
    lost = visit(cloud, "no-such-program")
    assert lost.returncode == 127 and "cannot run 'no-such-program': [Errno 2]" in lost.stderr


def test_a_visitor_is_kept_from_the_machine_as_the_node_is(cloud: TrainingCloud, job: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("of the machine")
    seen = visit(cloud, "sh", "-c", f"ls {tmp_path}; ls /proc | grep -c '^[0-9]'; grep CapBnd /proc/self/status")
    assert "of the machine" not in seen.stdout and "No such file" in seen.stderr
    processes, bound = seen.stdout.splitlines()
    assert int(processes) < 10, "of its own node alone"
    program = visit(cloud, "sh", "-c", "grep CapBnd /proc/1/status").stdout.strip()
    assert bound == program
    held = visit(cloud, "sh", "-c", "ls -l /proc/$$/fd").stdout
    assert "/dev/pts" not in held and str(Path.home()) not in held


def test_a_command_ends_with_the_person_who_gave_it(cloud: TrainingCloud, job: str) -> None:
    way = cloud.admin("visit", job=job, host="algo-1")
    shell = subprocess.Popen(
        [*way["command"], "pipes", "sh", "-c", "echo begun; exec sleep 987"],
        env=way["environment"],
        cwd="/",
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )
    assert shell.stdout is not None and shell.stdout.readline() == b"begun\n"
    asks = "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'sleep 98[7]'"
    assert visit(cloud, "sh", "-c", asks).stdout == "1\n"
    shell.kill()
    shell.wait(10)
    shell.stdout.close()
    wait_until(lambda: visit(cloud, "sh", "-c", asks).stdout == "0\n", 10, "the end of the command")


def test_a_terminal_of_its_own_is_a_terminal(cloud: TrainingCloud, job: str) -> None:
    way = cloud.admin("visit", job=job, host="algo-2")
    ours, theirs = pty.openpty()
    shell = subprocess.Popen(
        [*way["command"], "terminal", "/bin/sh", "-i"],
        env={**way["environment"], "TERM": "dumb"},
        cwd="/",
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    os.write(ours, b"test -t 0 && echo it is a $((40 + 2)) terminal; hostname; exit 5\n")
    seen = b""
    deadline = time.monotonic() + 20
    while b"it is a 42 terminal" not in seen or shell.poll() is None:
        assert time.monotonic() < deadline, seen
        try:
            seen += os.read(ours, 4096)
        except OSError:
            break
    assert shell.wait(10) == 5
    assert b"it is a 42 terminal" in seen


def test_nobody_enters_without_the_clouds_secret(cloud: TrainingCloud, job: str) -> None:
    stranger = replace(cloud.state, secret="guessed")
    with pytest.raises(lifecycle.CloudError, match="needs this cloud's secret"):
        lifecycle.admin(stranger, "visit", {"job": job, "host": "algo-1"})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_of_the_machine_is_refused_by_the_kernel(cloud: TrainingCloud, job: str) -> None:
    *_, pid, _, _ = cloud.admin("visit", job=job, host="algo-1")["command"]
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        try:
            os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
        except PermissionError:
            os._exit(42)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"job": "nobody"}, "no training or processing job 'nobody' runs"),
        ({"job": "visited", "host": "algo-3"}, "no such host runs: 'algo-3'; visited has algo-1, algo-2"),
    ],
)
def test_what_does_not_run_cannot_be_entered(cloud: TrainingCloud, job: str, params: dict[str, str], says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        cloud.admin("visit", **params)


def test_the_verb_is_no_page(cloud: TrainingCloud, job: str) -> None:
    """A link in a browser asks with GET; the other doors of the interface are held in tests/cloud/access."""
    with pytest.raises(urllib.error.HTTPError, match="405"):
        urllib.request.urlopen(f"{cloud.endpoint}/_yard/visit?job={job}", timeout=10)
