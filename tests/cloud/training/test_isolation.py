"""Nodes do not see each other's ports, files or processes; nothing of them is left, however the server ends."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clouds.training_cloud import ROOT, TrainingCloud, start, wait_until

MEET = """
import json, os, socket, time
B = os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")
config = json.load(open(B + "/input/config/resourceconfig.json"))
host, hosts = config["current_host"], config["hosts"]
if host == hosts[0]:
    server = socket.create_server((socket.gethostbyname(host), 7777))
    heard = []
    for _ in hosts[1:]:
        connection, _ = server.accept()
        heard.append(connection.recv(64).decode())
    print(json.dumps(heard), flush=True)
    open(B + "/model/heard", "w").write(json.dumps(heard))
else:
    for _ in range(400):
        try:
            connection = socket.create_connection((hosts[0], 7777), 5)
            break
        except OSError:
            time.sleep(0.05)
    connection.sendall(os.environ["TRAINING_JOB_NAME"].encode())
    connection.close()
"""

LITTER = """
import os, subprocess, sys, time
open("/tmp/litter", "w").write("x")
open("/dev/shm/litter-of-a-test", "w").write("x")
open("/root/litter", "w").write("x")
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
os.makedirs("/opt/ml/model/locked"); open("/opt/ml/model/locked/file", "w").write("x")
os.chmod("/opt/ml/model/locked", 0o500)
print("ready", flush=True)
{end}
"""


@pytest.fixture
def cloud(cloud: TrainingCloud) -> Iterator[TrainingCloud]:
    yield cloud
    cloud.admin("settings", isolation="auto")
    cloud.check_nothing_left()


def test_twenty_jobs_of_two_nodes_at_once(cloud: TrainingCloud) -> None:
    cloud.admin("quota", name="ml.m5.large for training job usage", value=100)
    cloud.admin("quota", name="Number of instances across all training jobs", value=100)
    image = cloud.image("meet", MEET)
    names = [f"crowd-{index}" for index in range(20)]
    for name in names:
        cloud.create(name, image, ResourceConfig__InstanceCount=2)
    for name in names:
        described = cloud.finished(name, 120)
        assert described["TrainingJobStatus"] == "Completed", (name, described.get("FailureReason"))
        assert cloud.said(name) == [name], "every job hears its own worker on port 7777, and no other job's"


@pytest.mark.parametrize("end", ["pass", "sys.exit(1)", "os.abort()", "time.sleep(300)"])
def test_nothing_is_left_of_a_job_however_it_ends(cloud: TrainingCloud, end: str) -> None:
    name = "litter-" + "".join(character for character in end if character.isalnum())
    image = cloud.image(name.lower(), LITTER.format(end=end))
    cloud.create(name, image, ResourceConfig__InstanceCount=2)
    if "sleep" in end:
        cloud.wait_for_line(name, "ready", "algo-2")
        cloud.admin("kill", job=name)
    cloud.finished(name)
    cloud.check_nothing_left()
    assert not os.path.exists("/tmp/litter")
    assert not os.path.exists("/dev/shm/litter-of-a-test")
    assert not os.path.exists("/root/litter")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_when_the_server_ends(tmp_path: Path, number: int) -> None:
    cloud = start(tmp_path / "cloud")
    cloud.create("orphan", cloud.image("litter", LITTER.format(end="time.sleep(300)")), ResourceConfig__InstanceCount=2)
    cloud.wait_for_line("orphan", "ready")
    cloud.wait_for_line("orphan", "ready", "algo-2")
    below = cloud.descendants()
    if cloud.engine == "process":
        assert len(below) >= 7, "a cell, its relay, two keepers, two programs and their children"
    os.kill(cloud.process.pid, number)
    cloud.process.wait(10)
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in below), 10, "the end of all processes")
    wait_until(lambda: not list(cloud.work.iterdir()), 10, "the removal of the job's folder")
    wait_until(lambda: not cloud.left(), 10, "the removal of the job's containers")


@pytest.mark.cells
def test_the_fallback_without_namespaces(cloud: TrainingCloud) -> None:
    cloud.admin("settings", isolation="loopback")
    status = cloud.admin("status")
    assert status["isolation"] == "loopback"
    assert status["isolation_note"].startswith("nodes and functions are not kept apart from this machine: their ")
    image = cloud.image("meet", MEET)
    for name in ("fallback-1", "fallback-2"):
        cloud.create(name, image, ResourceConfig__InstanceCount=3)
    for name in ("fallback-1", "fallback-2"):
        described = cloud.finished(name)
        assert described["TrainingJobStatus"] == "Completed", (described, cloud.lines(name))
        assert cloud.said(name) == [name, name]
        assert cloud.keys(f"out/{name}/") == [f"out/{name}/output/model.tar.gz"]


@pytest.mark.cells
def test_the_fallback_leaves_nothing_either(cloud: TrainingCloud) -> None:
    cloud.admin("settings", isolation="loopback")
    program = """
    import subprocess, sys, time
    child = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(300)"
    subprocess.Popen([sys.executable, "-c", child], start_new_session=True)
    print("ready", flush=True)
    time.sleep(300)
    """
    cloud.create("stray", cloud.image("stray", program), ResourceConfig__InstanceCount=2)
    cloud.wait_for_line("stray", "ready", "algo-2")
    cloud.admin("kill", job="stray", host="algo-1")
    assert cloud.finished("stray")["FailureReason"] == "AlgorithmError: , exit code: 137"
    cloud.check_nothing_left()


@pytest.mark.cells
@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, which only root may")
def test_an_ordinary_user_gets_namespaces_too(tmp_path: Path) -> None:
    """The cell of an ordinary user, with the system's Python: the project's may lie where only root may look."""
    python = next((path for path in ("/usr/bin/python3", "/usr/local/bin/python3") if _runs(path)), None)
    if python is None:
        pytest.skip("no Python that an ordinary user may run")
    nobody = 65534
    folder = Path("/tmp") / f"shardyard-user-{os.getpid()}"
    source = folder / "source"
    try:
        for part in ("embedded/__init__.py", "embedded/nodes/__init__.py"):
            (source / part).parent.mkdir(parents=True, exist_ok=True)
            (source / part).write_text("")
        subprocess.run(["cp", "-r", ROOT / "embedded/nodes/cell", source / "embedded/nodes/"], check=True)
        (folder / "try.py").write_text(_TRY)
        subprocess.run(["chown", "-R", str(nobody), folder], check=True)
        said = subprocess.run(
            [python, folder / "try.py", source, folder],
            user=nobody,
            group=nobody,
            extra_groups=[],
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(source)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        if "Operation not permitted" in said.stdout:
            pytest.skip(f"this machine forbids namespaces to ordinary users: {said.stdout}")
        assert json.loads(said.stdout) == {"codes": [0, 0], "output": ["algo-1 0 1\n", "algo-2 0 1\n"]}, said.stderr
    finally:
        subprocess.run(["rm", "-rf", folder], check=True)


def _runs(python: str) -> bool:
    if not Path(python).exists():
        return False
    version = subprocess.run([python, "-c", "import sys; print(sys.version_info >= (3, 11))"], capture_output=True)
    return version.stdout.strip() == b"True"


_TRY = """
import json, os, socket, subprocess, sys
from embedded.nodes.cell import network
from embedded.nodes.cell.plan import Bind, CellPlan, NodePlan
source, folder = sys.argv[1:]
nodes, outputs, reads = [], [], []
program = "import os, socket; print(socket.gethostname(), os.getuid(), os.getpid())"
for host in ("algo-1", "algo-2"):
    root = f"{folder}/{host}"
    for name in ("ml", "tmp", "root"):
        os.makedirs(f"{root}/{name}")
    binds = [Bind(source=root + "/ml", target="/opt/ml"), Bind(source=root + "/tmp", target="/tmp")]
    nodes.append(NodePlan(host=host, hostname=host, root=root, command=[sys.executable, "-c", program],
        environment={"PATH": "/usr/bin"}, work_folder="/opt/ml", binds=binds,
        visible=[path for path in ("/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache") if os.path.lexists(path)]))
    read, write = os.pipe()
    reads.append(read)
    outputs.append(write)
ours, theirs = socket.socketpair()
cell = subprocess.Popen([sys.executable, "-S", "-m", "embedded.nodes.cell"], stdin=theirs.fileno(),
    stdout=subprocess.DEVNULL, env={"PATH": "/usr/bin:/usr/sbin:/sbin", "PYTHONPATH": source}, cwd="/")
theirs.close()
plan = CellPlan(isolation="user", cloud_port=5555, nodes=nodes, folder=folder)
socket.send_fds(ours, [json.dumps(plan.to_dict()).encode() + b"\\n"], outputs)
for output in outputs:
    os.close(output)
events = [json.loads(line) for line in ours.makefile("r")]
cell.wait()
if any(event["event"] == "failed" for event in events):
    print(events)
else:
    codes = [event["code"] for event in events if event["event"] == "exited"]
    print(json.dumps({"codes": codes, "output": [os.fdopen(read).read() for read in reads]}))
"""


@pytest.mark.cells
def test_a_node_cannot_write_to_the_sources_of_its_image(cloud: TrainingCloud) -> None:
    program = """
    try:
        open("/opt/program/run.py", "a")
    except OSError as error:
        print(error.errno)
    """
    cloud.run("read-only", cloud.image("read-only", program))
    assert cloud.lines("read-only")["algo-1"] == ["30"]
