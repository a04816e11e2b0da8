"""Starting the launcher in tests: fake nodes under temporary folders, each with a /opt/ml of its own."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from contract.images import VERSIONS_LINE

ROOT = Path(__file__).parents[3]


class Node:
    """One running launcher."""

    def __init__(self, base: Path, environ: dict[str, str], command: list[str]) -> None:
        self.base = base
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    @property
    def output(self) -> str:
        """Everything that it has written so far."""
        return "\n".join(self.lines)

    @property
    def own_lines(self) -> list[str]:
        """What the launcher itself has said so far, but for the versions that every run begins with."""
        own = [line for line in self.lines if line.startswith("launcher: ") and not line.startswith(VERSIONS_LINE)]
        return [line.removeprefix("launcher: ") for line in own]

    @property
    def failure(self) -> str:
        """The failure file, or nothing."""
        path = self.base / "output" / "failure"
        return path.read_text() if path.exists() else ""

    def wait_for(self, pattern: str, seconds: float = 120) -> re.Match[str]:
        """Wait until a line matches."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for line in list(self.lines):
                if match := re.search(pattern, line):
                    return match
            if self.process.poll() is not None:
                self._reader.join(timeout=5)
                if not any(re.search(pattern, line) for line in self.lines):
                    break
            time.sleep(0.01)
        raise AssertionError(f"{pattern!r} did not appear in {seconds} s; the output was:\n{self.output}")

    def end(self, seconds: float = 180) -> int:
        """Wait for the end and return the exit code."""
        code = self.process.wait(timeout=seconds)
        self._reader.join(timeout=5)
        return code


@contextlib.contextmanager
def nodes(
    tmp_path: Path,
    program: str,
    *,
    count: int = 1,
    launcher: str = "torchrun",
    processes: int = 2,
    arguments: list[str] | None = None,
    hyperparameters: dict[str, str] | None = None,
    command: list[str] | None = None,
    networks: Sequence[str] = (),
    **variables: str,
) -> Iterator[list[Node]]:
    """Run a program under the launcher on so many nodes; whatever is left at the end is killed.

    With networks, each node runs in its own network namespace, under its own host name.
    """
    names = [f"algo-{number + 1}" for number in range(count)]
    addresses = {name: f"127.0.0.{number + 1}" for number, name in enumerate(names)}
    shared: dict[str, str] = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("SM_", "SHARDYARD_"))},
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "SHARDYARD_ENTRY": "main.py",
        "SHARDYARD_LAUNCHER": launcher,
        "SHARDYARD_PROCESSES_PER_NODE": str(processes),
        "SHARDYARD_ARGUMENTS": json.dumps(arguments or []),
        "SHARDYARD_HOST_ADDRESSES": json.dumps(addresses),
        "SHARDYARD_RENDEZVOUS_PORT": str(free_port()),
        **variables,
    }
    running: list[Node] = []
    try:
        for name in names:
            base = make_base(tmp_path / name, program, current=name, hosts=names, hyperparameters=hyperparameters or {})
            launch = command or [sys.executable, "-m", "training.launcher", "train"]
            if networks:
                renamed = ["unshare", "--uts", "sh", "-c", 'hostname "$0"; exec "$@"', name]
                launch = ["ip", "netns", "exec", networks[names.index(name)], *renamed, *launch]
            running.append(Node(base, {**shared, "SAGEMAKER_BASE_DIR": str(base)}, launch))
        yield running
    finally:
        for node in running:
            if node.process.poll() is None:
                node.process.kill()
            kill_session(node.process.pid)
            node.process.wait()


def make_base(base: Path, program: str, *, current: str, hosts: list[str], hyperparameters: dict[str, Any]) -> Path:
    """Write a fake /opt/ml."""
    (base / "input" / "config").mkdir(parents=True, exist_ok=True)
    (base / "code").mkdir()
    (base / "checkpoints").mkdir()
    (base / "code" / "main.py").write_text(program)
    config = {"current_host": current, "hosts": hosts}
    (base / "input" / "config" / "resourceconfig.json").write_text(json.dumps(config))
    (base / "input" / "config" / "hyperparameters.json").write_text(json.dumps(hyperparameters))
    return base


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def children(pid: int) -> dict[int, str]:
    """The processes below one, with their command lines."""
    found: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid:
                found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ").strip()
        except OSError:
            continue
    for child in list(found):
        found |= children(child)
    return found


def kill_session(pid: int) -> None:
    """Kill what a launcher that was killed itself may have left."""
    for child in children(pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
