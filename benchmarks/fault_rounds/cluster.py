"""Two nodes on this machine under the real launcher: started, watched, damaged, and started again."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.fault_rounds.carriage import Carriage

ROOT = Path(__file__).parents[2]
HOSTS = ("algo-1", "algo-2")


@dataclass(frozen=True, kw_only=True, slots=True)
class Framework:
    """What trains, and how its launcher is called."""

    program: str
    launcher: str
    host: str
    """The process that starts the ranks of a node, by the name that the launcher gives it."""
    python: str = sys.executable
    variables: Mapping[str, str] = field(default_factory=dict)


PYTORCH = Framework(program="benchmarks.fault_rounds.program", launcher="torchrun", host="torchrun-agent")


@dataclass(kw_only=True, slots=True)
class Cluster:
    """Two nodes and no disk between them."""

    folder: Path
    steps: int
    framework: Framework = PYTORCH
    processes: int = 1
    """Ranks of each node."""
    servers: int = 0
    """Parameter servers: the chief, on the first node, is then the only one that has steps."""
    networks: tuple[str, str] | None = None
    """Network namespaces of the nodes; None: addresses of the loopback interface."""
    addresses: tuple[str, str] = ("127.0.0.1", "127.0.0.2")
    nodes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    carriage: Carriage | None = None
    """What restores and copies checkpoints; None: only the disks hold them."""

    def base(self, node: int) -> Path:
        """A node's /opt/ml."""
        return self.folder / HOSTS[node]

    @property
    def ranks(self) -> range:
        """Who has steps and saves."""
        return range(1 if self.servers else 2 * self.processes)

    def node_of(self, rank: int) -> int:
        """Where a rank runs."""
        return rank // self.processes

    def start(self) -> None:
        """Start both launchers with the files that are on their disks."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if self.carriage is not None:
            self.carriage.begin([self.base(node) for node in range(2)])
        self.nodes = [self._start_node(node, port) for node in range(2)]

    def _start_node(self, node: int, port: int) -> subprocess.Popen[bytes]:
        base = self.base(node)
        (base / "input" / "config").mkdir(parents=True, exist_ok=True)
        (base / "checkpoints").mkdir(exist_ok=True)
        config = {"current_host": HOSTS[node], "hosts": list(HOSTS), "network_interface_name": "lo"}
        if self.networks is not None:
            config["network_interface_name"] = "eth0"
        (base / "input" / "config" / "resourceconfig.json").write_text(json.dumps(config))
        (base / "input" / "config" / "hyperparameters.json").write_text(json.dumps({"steps": str(self.steps)}))
        environ = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("SM_", "SHARDYARD_"))},
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
            "SAGEMAKER_BASE_DIR": str(base),
            "SHARDYARD_RUN_ID": "faults",
            "SHARDYARD_ENTRY": self.framework.program,
            "SHARDYARD_LAUNCHER": self.framework.launcher,
            "SHARDYARD_PROCESSES_PER_NODE": str(self.processes),
            **({"SHARDYARD_PARAMETER_SERVERS": str(self.servers)} if self.servers else {}),
            **self.framework.variables,
            "SHARDYARD_HOST_ADDRESSES": json.dumps(dict(zip(HOSTS, self.addresses, strict=True))),
            "SHARDYARD_RENDEZVOUS_PORT": str(port),
            **({} if self.carriage is None else self.carriage.variables),
        }
        command = [self.framework.python, "-m", "training.launcher", "train"]
        if self.networks is not None:
            command = ["ip", "netns", "exec", self.networks[node], *command]
        with (self.folder / f"{HOSTS[node]}.log").open("ab") as log:
            return subprocess.Popen(command, env=environ, stdout=log, stderr=log, cwd=ROOT, start_new_session=True)

    def wait_for_step(self, step: int, seconds: float = 120) -> None:
        """Wait until all ranks have done a step."""
        deadline = time.monotonic() + seconds
        while any(self.last_step(rank) < step for rank in self.ranks):
            if time.monotonic() > deadline:
                raise TimeoutError(f"step {step} did not come in {seconds:g} s; see {self.folder}/*.log")
            time.sleep(0.005)

    def lines(self, rank: int) -> list[tuple[int, str, float]]:
        """Everything that a rank has done, in order: step, loss, time."""
        path = self.base(self.node_of(rank)) / "notes" / f"losses-{rank}"
        if not path.exists():
            return []
        complete = [line.split() for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
        return [(int(step), loss, float(at)) for step, loss, at in complete]

    def last_step(self, rank: int) -> int:
        """The newest step of a rank; 0 before the first."""
        lines = self.lines(rank)
        return lines[-1][0] if lines else 0

    def pid(self, rank: int) -> int:
        """A rank's process."""
        return self.pid_of(self.node_of(rank), str(rank))

    def pid_of(self, node: int, name: str) -> int:
        """A process of a node, by the name under which it noted itself."""
        return int((self.base(node) / "notes" / f"pid-{name}").read_text())

    def agent(self, node: int) -> int:
        """The process that starts a node's ranks."""
        return next(pid for pid in descendants(self.nodes[node].pid) if name_of(pid) == self.framework.host)

    def end(self, seconds: float = 240) -> list[int]:
        """Wait for both launchers; their exit codes."""
        deadline = time.monotonic() + seconds
        codes = [node.wait(timeout=max(0.1, deadline - time.monotonic())) for node in self.nodes]
        if self.carriage is not None:
            self.carriage.end()
        return codes

    def kill(self) -> None:
        """Kill both machines at once."""
        for node in self.nodes:
            for pid in [node.pid, *descendants(node.pid)]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            node.wait()
        if self.carriage is not None:
            self.carriage.end(gone=True)

    def move(self) -> None:
        """Other machines, with empty disks."""
        for node in range(2):
            shutil.rmtree(self.base(node) / "checkpoints")

    def digest(self) -> str | None:
        """The digest of the final weights, if all ranks have it and agree."""
        paths = [self.base(self.node_of(rank)) / "notes" / f"digest-{rank}" for rank in self.ranks]
        found = {path.read_text() for path in paths if path.exists()}
        return found.pop() if len(found) == 1 and all(path.exists() for path in paths) else None


def parent(pid: int) -> int:
    """The parent of a process; 0 if the process is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def name_of(pid: int) -> str:
    """A process's name; empty if the process is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def descendants(pid: int) -> list[int]:
    """All processes below one."""
    below: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            below.setdefault(parent(int(entry.name)), []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        children = below.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


@contextlib.contextmanager
def two_networks() -> Iterator[tuple[str, str]]:
    """Two network namespaces with one cable between them: 10.77.0.1 and 10.77.0.2, each on an `eth0`."""
    names = (f"shardyard-{os.getpid()}-1", f"shardyard-{os.getpid()}-2")
    try:
        for name in names:
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        _ip("link", "add", "eth0", "netns", names[0], "type", "veth", "peer", "name", "eth0", "netns", names[1])
        for number, name in enumerate(names, start=1):
            _ip("-n", name, "address", "add", f"10.77.0.{number}/24", "dev", "eth0")
            _ip("-n", name, "link", "set", "eth0", "up")
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


def set_link(network: str, state: str) -> None:
    """Pull the cable (`down`) or plug it in again (`up`)."""
    _ip("-n", network, "link", "set", "eth0", state)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
