"""A node sees an image's files and its own, and changes nothing that outlives it: the machine is not its to read."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clouds.training_cloud import TrainingCloud, training_cloud

PROBES = """
import ctypes, glob, json, os, socket, stat, subprocess, sys
FOLDER = {folder!r}
said = {{}}

def probe(name, does):
    try:
        said[name] = does()
    except OSError as error:
        said[name] = type(error).__name__ if error.errno != 30 else "ReadOnly"

def connect():
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(FOLDER + "/service.sock")

def remount(path):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"none", path.encode(), b"none", 0x1000 | 0x20, b""):
        raise OSError(ctypes.get_errno(), path)

(packages,) = glob.glob(sys.prefix + "/lib/python*/site-packages")
probe("credentials", lambda: open(FOLDER + "/home/.aws/credentials").read())
probe("project", lambda: open(FOLDER + "/project/app.py", "a").write("# a marker"))
probe("packages", lambda: open(packages + "/marker.py", "w").write("# a marker"))
probe("interpreter", lambda: open(os.path.dirname(os.__file__) + "/marker.py", "w").write("# a marker"))
probe("programs", lambda: open("/usr/marker", "w").write("a marker"))
probe("socket", connect)
probe("kernel", lambda: open("/proc/sys/kernel/core_pattern", "r+").close())
probe("remount", lambda: remount("/usr"))
probe("remount packages", lambda: remount(sys.prefix))
probe("disk", lambda: os.mknod("/opt/disk", stat.S_IFBLK | 0o600, os.makedev(254, 0)))
for path in ("/run", "/home", "/mnt", "/srv", "/var", "/var/tmp"):
    said[path] = sorted(os.listdir(path))
print(json.dumps(said), flush=True)
"""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A home, a clone and a cache where a node had them before it: outside of /tmp, which was always its own."""
    folder = Path(tempfile.mkdtemp(prefix="shardyard-test-", dir="/var/tmp"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def cloud(folder: Path) -> Iterator[TrainingCloud]:
    with training_cloud(folder) as running:
        (folder / "home/.aws").mkdir(parents=True)
        (folder / "home/.aws/credentials").write_text("[default]\naws_secret_access_key = of a person\n")
        yield running


@pytest.mark.parametrize(
    "isolation",
    ["user", pytest.param("root", marks=pytest.mark.skipif(os.geteuid() != 0, reason="only root may do without"))],
)
def test_a_node_reads_and_writes_nothing_of_the_machine(cloud: TrainingCloud, folder: Path, isolation: str) -> None:
    cloud.admin("settings", isolation=isolation)
    image = cloud.image("probe", PROBES.format(folder=str(folder)))
    (cloud.project / "app.py").write_text("# the project's\n")
    with socket.socket(socket.AF_UNIX) as service:
        service.bind(str(folder / "service.sock"))
        service.listen()
        described = cloud.run(f"probe-{isolation}", image)
    (folder / "service.sock").unlink()
    assert described["TrainingJobStatus"] == "Completed", cloud.lines(f"probe-{isolation}")
    assert cloud.said(f"probe-{isolation}") == {
        "credentials": "FileNotFoundError",
        "project": "FileNotFoundError",
        "packages": "ReadOnly",
        "interpreter": "ReadOnly",
        "programs": "ReadOnly",
        "socket": "FileNotFoundError",
        "kernel": "ReadOnly",
        "remount": "PermissionError",
        "remount packages": "PermissionError",
        "disk": "PermissionError",
        "/run": [],
        "/home": [],
        "/mnt": [],
        "/srv": [],
        "/var": ["cache", "log", "run", "tmp"],
        "/var/tmp": [folder.name],
    }
    assert (cloud.project / "app.py").read_text() == "# the project's\n"
    # Not rglob: the job's own folder is removed meanwhile
    assert not [name for _, _, names in os.walk(folder) for name in names if name.startswith("marker")]


USES = """
import ctypes.util, json, multiprocessing, os, pty, pwd, socket, ssl, subprocess, tempfile
multiprocessing.Queue()
master, slave = pty.openpty()
with tempfile.TemporaryFile(dir="/var/tmp") as file:
    file.write(b"x" * 100)
print(json.dumps({
    "user": pwd.getpwuid(os.getuid()).pw_name,
    "peer": socket.gethostbyname("algo-1") != "",
    "service": socket.getservbyname("http"),
    "authorities": bool(ssl.create_default_context().get_ca_certs() or os.listdir("/etc/ssl/certs")),
    "terminal": os.ttyname(slave).startswith("/dev/pts/"),
    "processors": os.path.exists("/sys/devices/system/cpu/possible"),
    "shell": subprocess.run("echo $((6 * 7)) 2>/dev/null", shell=True, capture_output=True, text=True).stdout,
    "library": ctypes.util.find_library("c") is not None,
    "random": len(open("/dev/urandom", "rb").read(8)),
    "descriptors": os.path.exists("/dev/fd/1"),
    "folder": os.getcwd(),
}), flush=True)
"""


def test_a_node_has_what_programs_expect_of_an_image(cloud: TrainingCloud) -> None:
    cloud.admin("settings", isolation="auto")
    image = cloud.image("uses", USES)
    dockerfile = cloud.project / "containers/uses/Dockerfile"
    dockerfile.write_text(dockerfile.read_text() + "WORKDIR /usr/src/app\n")
    described = cloud.run("uses", image)
    assert described["TrainingJobStatus"] == "Completed", cloud.lines("uses")
    assert cloud.said("uses") == {
        "user": "root",
        "peer": True,
        "service": 80,
        "authorities": True,
        "terminal": True,
        "processors": True,
        "shell": "42\n",
        "library": True,
        "random": 8,
        "descriptors": True,
        "folder": "/usr/src/app",
    }
