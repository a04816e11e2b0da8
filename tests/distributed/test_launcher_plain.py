"""The strategy `plain`, as real processes: arguments, signals, exit codes, the failure file."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from benchmarks.fault_rounds.cluster import two_networks
from contract import requirements
from contract.images import VERSIONS_LINE
from shardyard.spec.jobs.metrics import metric_regex
from tests.support.training.launching import ROOT, nodes
from tests.support.training.wheels import tiny_wheel

SAYS = """
import json, os, sys
print("argv", json.dumps(sys.argv[1:]))
print("cwd", os.getcwd())
print("hps", os.environ["SM_HPS"], "stdin", repr(sys.stdin.read()))
"""


def test_the_program_gets_its_arguments_and_its_environment(tmp_path: Path) -> None:
    hyperparameters = {"lr": "0.1", "note": "$(touch /tmp/owned); `id` 'quote\" \n"}
    with nodes(tmp_path, SAYS, launcher="plain", hyperparameters=hyperparameters, arguments=["--fast"]) as (node,):
        assert node.end() == 0
        assert r"""argv ["--fast", "--lr", "0.1", "--note", "$(touch /tmp/owned); `id` 'quote\" \n"]""" in node.output
        assert "stdin ''" in node.output
        assert f"cwd {os.getcwd()}" in node.output
    assert node.own_lines == []
    assert node.failure == ""


GATHERS = """
import os
from training.pytorch.process_group import connect, gather
with connect() as ranks:
    print("group", gather(ranks, (ranks.rank, os.environ["SM_CURRENT_HOST"], ranks.world.node, ranks.local_rank)))
"""


def test_the_programs_of_two_nodes_form_one_group(tmp_path: Path) -> None:
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("needs root and ip for a network of each node: the first rank's port is a fixed one")
    addresses = json.dumps({"algo-1": "10.77.0.1", "algo-2": "10.77.0.2"})
    with (
        two_networks() as networks,
        nodes(
            tmp_path, GATHERS, count=2, launcher="plain", networks=networks, SHARDYARD_HOST_ADDRESSES=addresses
        ) as running,
    ):
        assert [node.end(60) for node in running] == [0, 0]
        for node in running:
            assert "group [(0, 'algo-1', 0, 0), (1, 'algo-2', 1, 0)]" in node.output


def test_the_program_of_a_single_node_stays_alone(tmp_path: Path) -> None:
    with nodes(tmp_path, GATHERS, launcher="plain") as (node,):
        assert node.end() == 0
        assert "group [(0, 'algo-1', 0, 0)]" in node.output


def test_every_line_stays_whole_where_both_outputs_are_one_file(tmp_path: Path) -> None:
    program = """
import sys
for number in range(2000):
    print(f"error {number} end", file=sys.stderr)
    print(f"output {number} end")
"""
    with nodes(tmp_path, program, launcher="plain") as (node,):
        assert node.end() == 0
    lines = [line for line in node.lines if not line.startswith(VERSIONS_LINE)]
    assert sorted(lines) == sorted(f"{kind} {n} end" for kind in ("error", "output") for n in range(2000))


def test_a_failing_program_fails_with_its_traceback(tmp_path: Path) -> None:
    with nodes(tmp_path, "print('hello')\nraise ValueError('bad thing')", launcher="plain") as (node,):
        assert node.end() == 1
    assert node.failure.startswith("the program on algo-1 failed: ValueError: bad thing\nTraceback")
    assert "hello" in node.output


@pytest.mark.parametrize("code", [3, 255])
def test_any_other_exit_code_becomes_one(tmp_path: Path, code: int) -> None:
    with nodes(tmp_path, f"import sys; sys.exit({code})", launcher="plain") as (node,):
        assert node.end() == 1
    assert node.failure == f"the program on algo-1 ended with exit code {code}"


def test_a_killed_program_is_called_so(tmp_path: Path) -> None:
    with nodes(tmp_path, "import os; os.kill(os.getpid(), 9)", launcher="plain") as (node,):
        assert node.end() == 1
    assert node.failure == "the program on algo-1 was killed by SIGKILL"


SAVES = """
import signal, sys, time
def save(*_):
    print("saved", flush=True)
    sys.exit({code})
signal.signal(signal.SIGTERM, save)
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(("code", "how"), [(75, "saved and ended"), (0, "ended with 0 after SIGTERM")])
def test_after_sigterm_a_saved_run_ends_with_75_and_never_with_0(tmp_path: Path, code: int, how: str) -> None:
    with nodes(tmp_path, SAVES.format(code=code), launcher="plain") as (node,):
        node.wait_for("ready")
        node.process.send_signal(signal.SIGTERM)
        assert node.end(30) == 75
        assert "saved" in node.output
    assert node.failure == ""
    assert node.own_lines == [f"interrupted: the program {how}; exit 75"]


@pytest.mark.parametrize(("launcher", "who"), [("plain", "the program"), ("torchrun", "rank 0")])
def test_a_program_that_ignores_the_protocol_loses_its_work_and_is_told(
    tmp_path: Path, launcher: str, who: str
) -> None:
    program = "import time; print('ready', flush=True); time.sleep(60)"
    with nodes(tmp_path, program, launcher=launcher, processes=1) as (node,):
        node.wait_for("ready")
        node.process.send_signal(signal.SIGTERM)
        assert node.end(30) == 1
    said = re.fullmatch(
        rf"{who} on algo-1 was interrupted \(SIGTERM\) \d+ s after its start and had no handler for the signal: "
        r"nothing was saved after its last checkpoint",
        node.failure,
    )
    assert said is not None, node.failure


def test_a_program_that_does_not_stop_is_killed_after_the_grace_period(tmp_path: Path) -> None:
    program = "import signal, time; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
    with nodes(tmp_path, program, launcher="plain", SHARDYARD_STOP_GRACE_SECONDS="1") as (node,):
        node.wait_for("ready")
        node.process.send_signal(signal.SIGTERM)
        assert node.end(30) == 1
    assert "did not stop within 1 s: it was killed" in node.failure


def test_what_the_program_leaves_behind_is_killed_with_it(tmp_path: Path) -> None:
    program = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print("child", child.pid, flush=True)
"""
    with nodes(tmp_path, program, launcher="plain") as (node,):
        pid = int(node.wait_for(r"child (\d+)")[1])
        assert node.end(30) == 0
        state = Path(f"/proc/{pid}/stat")
        assert not state.exists() or state.read_text().split(")")[1].split()[0] == "Z"


def test_as_pid_1_it_reaps_orphans_and_passes_sigterm_on(tmp_path: Path) -> None:
    """PID 1 gets no default signal handling, and every orphan of the container becomes its child."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs root and unshare to become PID 1")
    program = """
import os, signal, subprocess, sys, time
orphan = "import os, time\\npid = os.fork()\\nprint(pid, flush=True) if pid else (os.close(1), time.sleep(0.3))"
pid = int(subprocess.check_output([sys.executable, "-c", orphan]))
def save(*_):
    zombies = [p for p in os.listdir("/proc") if p.isdigit() and ") Z" in open(f"/proc/{p}/stat").read()]
    print("parent", os.getppid(), "zombies", zombies, flush=True)
    sys.exit(75)
signal.signal(signal.SIGTERM, save)
until = time.monotonic() + 30
while os.path.exists(f"/proc/{pid}") and time.monotonic() < until:
    time.sleep(0.01)
print("ready", flush=True)
time.sleep(600)
"""
    command = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, "-m", "training.launcher"]
    with nodes(tmp_path, program, launcher="plain", command=command) as (node,):
        node.wait_for("ready")
        found = subprocess.run(["pgrep", "-P", str(node.process.pid)], capture_output=True, text=True, check=True)
        os.kill(int(found.stdout.split()[0]), signal.SIGTERM)
        assert node.end(30) == 75
        assert "parent 1 zombies []" in node.output


@pytest.mark.parametrize(
    ("launcher", "limit", "who"),
    [("plain", "500M", "the program"), ("torchrun", "500M", "rank 0"), ("torchrun", "80M", "the torchrun host")],
)
def test_a_program_that_the_kernel_kills_for_memory_is_told_so(
    tmp_path: Path, launcher: str, limit: str, who: str
) -> None:
    """A real OOM kill: the launcher runs in a control group of its own, mounted as in a container."""
    group = Path(f"/sys/fs/cgroup/memory/shardyard-{os.getpid()}")
    if os.geteuid() != 0 or not (group.parent / "memory.oom_control").exists():
        pytest.skip("needs root and version 1 control groups")
    group.mkdir()
    (group / "memory.limit_in_bytes").write_text(limit)
    enter = 'echo $$ > "$0/cgroup.procs"; mount --bind "$0" /sys/fs/cgroup/memory; exec "$@"'
    command = ["unshare", "--mount", "sh", "-c", enter, str(group), sys.executable, "-m", "training.launcher"]
    program = "hoard = []\nwhile True: hoard.append(b'x' * (8 << 20))"
    variables = {"SHARDYARD_MAX_RESTARTS": "0"}
    try:
        with nodes(tmp_path, program, launcher=launcher, processes=1, command=command, **variables) as (node,):
            assert node.end(60) == 1
    finally:
        group.rmdir()
    expected = "on algo-1 was killed by the kernel because the machine ran out of memory (OOM killer)"
    assert node.failure == f"{who} {expected}"


@pytest.fixture(scope="module")
def own_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python into which packages may be installed."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    return str(folder / "bin" / "python")


def code_with(tmp_path: Path, program: str, packages: str) -> str:
    """Code with packages to install, in its channel; the zip's hash."""
    channel = tmp_path / "algo-1" / "input" / "data" / "code"
    channel.mkdir(parents=True)
    with zipfile.ZipFile(channel / "code.zip", "w") as archive:
        archive.writestr("main.py", program)
        archive.writestr("requirements.txt", packages)
        archive.writestr(WHEEL, tiny_wheel("tiny_sum", "def total(*numbers):\n    return sum(numbers)\n"))
    return hashlib.sha256((channel / "code.zip").read_bytes()).hexdigest()


WHEEL = "tiny_sum-1.0-py3-none-any.whl"
SUMS = "import tiny_sum\nprint('sum', tiny_sum.total(1, 2))"


def test_packages_that_the_code_asks_for_are_there_before_it_starts(tmp_path: Path, own_python: str) -> None:
    digest = code_with(tmp_path, SUMS, f"# mine\n./{WHEEL}\n")
    command = [own_python, "-m", "training.launcher"]
    with nodes(tmp_path, "", launcher="plain", command=command, SHARDYARD_SOURCE_SHA256=digest) as (node,):
        assert node.end() == 0
    assert "sum 3" in node.output
    assert re.fullmatch(r"requirements.txt of the code is installed \(\d+ s\)", node.own_lines[0])


def test_packages_come_from_the_channel_of_wheels_where_there_is_one(tmp_path: Path, own_python: str) -> None:
    """Without a look at any index: in the project's own network none is to be had."""
    digest = code_with(tmp_path, "import tiny_product\nprint('product', tiny_product.of(2, 3))", "tiny_product>=2\n")
    wheels = tmp_path / "algo-1" / "input" / "data" / "wheels"
    wheels.mkdir()
    (wheels / "tiny_product-2.0-py3-none-any.whl").write_bytes(
        tiny_wheel("tiny_product", "def of(a, b):\n    return a * b\n", version="2.0")
    )
    variables = {"SHARDYARD_SOURCE_SHA256": digest, "PIP_INDEX_URL": "http://127.0.0.1:9/none"}
    command = [own_python, "-m", "training.launcher"]
    with nodes(tmp_path, "", launcher="plain", command=command, **variables) as (node,):
        assert node.end() == 0
    assert "product 6" in node.output


def test_packages_that_are_there_already_are_not_installed_again(tmp_path: Path) -> None:
    digest = code_with(tmp_path, "print('went on')", "no-such-package-zz==1\n")
    variables = {"SHARDYARD_REQUIREMENTS_SHA256": requirements.digest(b"no-such-package-zz==1")}
    with nodes(tmp_path, "", launcher="plain", SHARDYARD_SOURCE_SHA256=digest, **variables) as (node,):
        assert node.end() == 0
    assert (node.output.splitlines()[-1], node.own_lines) == ("went on", [])


def test_packages_that_cannot_be_had_are_told_in_pips_own_words(tmp_path: Path, own_python: str) -> None:
    digest = code_with(tmp_path, SUMS, "./no-such-1.0-py3-none-any.whl\n")
    command = [own_python, "-m", "training.launcher"]
    with nodes(tmp_path, "", launcher="plain", command=command, SHARDYARD_SOURCE_SHA256=digest) as (node,):
        assert node.end() == 1
    assert node.failure.startswith("requirements.txt of the code cannot be installed: ")
    assert "no-such-1.0-py3-none-any.whl" in node.failure
    assert "Traceback" not in node.failure
    assert node.failure.endswith("; correct it, or put its packages into the image")


def test_a_host_that_never_comes_is_named_in_the_failure_file(tmp_path: Path) -> None:
    variables = {"SHARDYARD_HOST_ADDRESSES": '{"algo-1": "127.0.0.1"}', "SHARDYARD_HOST_WAIT_SECONDS": "1"}
    with nodes(tmp_path, SAYS, count=2, launcher="plain", **variables) as (node, _):
        assert node.end(90) == 1
    assert node.failure.startswith("algo-2 never came: the name did not resolve within 1 s.")


def test_an_error_of_the_launcher_itself_reaches_the_failure_file(tmp_path: Path) -> None:
    """A file where the code zip needs a folder stands for all that can go wrong on a disk."""
    with nodes(tmp_path / "first", SAYS, launcher="plain") as (node,):
        node.end()
    channel = node.base / "input" / "data" / "code"
    channel.mkdir(parents=True)
    with zipfile.ZipFile(channel / "code.zip", "w") as archive:
        archive.writestr("a", "")
        archive.writestr("a/b.py", "")
    digest = hashlib.sha256((channel / "code.zip").read_bytes()).hexdigest()
    environ = {**os.environ, "SAGEMAKER_BASE_DIR": str(node.base), "SHARDYARD_SOURCE_SHA256": digest}
    done = subprocess.run([sys.executable, "-m", "training.launcher"], env=environ, cwd=ROOT, capture_output=True)
    assert done.returncode == 1
    assert node.failure.startswith("the launcher on ")
    assert "failed: NotADirectoryError: [Errno 20] Not a directory: " in node.failure.splitlines()[0]


def test_a_launcher_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with nodes(tmp_path, SAYS, launcher="slurm") as (node,):
        assert node.end() == 1
    assert node.failure == "SHARDYARD_LAUNCHER is 'slurm'; known: plain, torchrun, mpirun, tensorflow"


@pytest.mark.parametrize("launcher", ["plain", "torchrun"])
def test_it_runs_from_one_zip(tmp_path: Path, launcher: str) -> None:
    archive = tmp_path / "launcher.zip"
    subprocess.run([sys.executable, "-m", "training.launcher.bundle", str(archive)], cwd=ROOT, check=True)
    first = archive.read_bytes()
    subprocess.run([sys.executable, "-m", "training.launcher.bundle", str(archive)], cwd=ROOT, check=True)
    assert archive.read_bytes() == first
    with zipfile.ZipFile(archive) as content:
        assert "__main__.py" in content.namelist()
    command = [sys.executable, str(archive), "train"]
    program = f"import training.launcher.hosts as ours; print('from', ours.__file__)\n{SAYS}"
    with nodes(tmp_path / "run", program, launcher=launcher, command=command, PYTHONPATH="") as (node,):
        assert node.end() == 0
        assert "argv []" in node.output
        assert f"from {archive}/training/launcher/hosts.py" in node.output


@pytest.mark.parametrize("count", [0, 2])
def test_a_node_of_a_job_with_checkpoints_says_what_it_found_at_its_start(tmp_path: Path, count: int) -> None:
    """After an interruption a new container cannot know of it: whoever reads the log and the metrics does."""
    for number in range(count):
        (tmp_path / f"saves/step-{number}").mkdir(parents=True)
        (tmp_path / f"saves/step-{number}/weights").write_text("w")
    places = {"SHARDYARD_CHECKPOINT_S3": "s3://bucket/run", "SHARDYARD_CHECKPOINT_DIR": str(tmp_path / "saves")}
    with nodes(tmp_path, "print(1)", launcher="plain", **places) as (node,):
        assert node.end(30) == 0, node.output
        definition = re.compile(metric_regex("checkpoint_files_at_start"))
        assert [int(found[1]) for line in node.lines if (found := definition.search(line))] == [count]
