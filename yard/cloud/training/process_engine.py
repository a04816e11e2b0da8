"""Nodes as process trees in namespaces of their own, in the virtual environment that stands for their image."""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from yard.cloud.training import environment, image, sandbox
from yard.cloud.training.cell import network
from yard.cloud.training.cell.plan import Bind, CellPlan, Isolation, NodePlan
from yard.cloud.training.engine import CONTAINER_ROOT, AttemptSpec, NodeExit, NodeSpec
from yard.cloud.training.settings import PROJECT_ROOT, current

_LOOPBACK_PATCH = Path(__file__).parent / "loopback"
_CLOSE_SECONDS_MOST = 10.0
_OWN_FOLDERS = {"/tmp": "tmp", "/root": "home"}
"""What a node has of its own in place of the machine's, and under which name in the node's folder."""


class CellAttempt:
    """The server's end of a cell."""

    def __init__(self, plan: CellPlan, outputs: Mapping[str, int], write_ends: Sequence[int]) -> None:
        self._outputs = outputs
        self._programs: dict[str, int] = {}
        self._control, theirs = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-m", "yard.cloud.training.cell"],
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            env={"PYTHONPATH": str(PROJECT_ROOT), "PATH": _machine_path(), "PYTHONDONTWRITEBYTECODE": "1"},
            cwd="/",
        )
        theirs.close()
        self._lock = threading.Lock()
        line = json.dumps(plan.to_dict()).encode() + b"\n"
        first = socket.send_fds(self._control, [line], list(write_ends))
        self._control.sendall(line[first:])
        self._events = self._control.makefile("r")
        self._count = len(plan.nodes)
        for _ in plan.nodes:
            event = self._next()
            if event["event"] != "started":
                self.close()
                raise OSError(event.get("message", "the cell ended before its nodes ran"))
            self._programs[event["host"]] = event["pid"]

    @property
    def outputs(self) -> Mapping[str, int]:
        """The read ends of the nodes' output."""
        return self._outputs

    @property
    def programs(self) -> Mapping[str, int]:
        """The programs' process ids."""
        return self._programs

    def _next(self) -> dict[str, Any]:
        line = self._events.readline()
        event: dict[str, Any] = json.loads(line) if line else {"event": "gone"}
        return event

    def exits(self) -> Iterator[NodeExit]:
        """One exit for each node; if the cell itself is killed, its nodes were killed with it."""
        waiting = set(self._outputs)
        while waiting:
            event = self._next()
            if event["event"] == "exited":
                waiting.discard(event["host"])
                yield NodeExit(host=event["host"], code=event["code"])
            else:
                for host in sorted(waiting):
                    yield NodeExit(host=host, code=128 + signal.SIGKILL)
                return

    def signal(self, number: int, host: str | None = None) -> None:
        """Ask the cell to signal; one that has ended has no nodes left to signal."""
        with self._lock:
            try:
                self._control.sendall(json.dumps({"signal": int(number), "host": host}).encode() + b"\n")
            except OSError:
                return

    def close(self) -> None:
        """Let go of the cell, which ends with all that it holds."""
        # an error here means that the cell closed its end first
        with self._lock, contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
        try:
            self._process.wait(_CLOSE_SECONDS_MOST)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._events.close()
        self._control.close()


class ProcessEngine:
    """The default engine: needs nothing but Linux, and falls back to plain processes where namespaces are forbidden."""

    def isolation(self) -> Isolation:
        """How its nodes are kept apart."""
        return sandbox.best().isolation if current.isolation == "auto" else current.isolation

    def network_interface(self) -> str:
        """The node's end of its cable; in the fallback the machine's loopback."""
        if self.isolation() != "loopback":
            return network.INTERFACE
        return "lo" if sys.platform == "linux" else "lo0"

    def addresses(self, hosts: Sequence[str], seed: str) -> dict[str, str]:
        """On the job's bridge; in the fallback loopback addresses that no other job has."""
        if self.isolation() != "loopback":
            return {host: network.node_address(index) for index, host in enumerate(hosts)}
        if sys.platform != "linux":
            # other systems have 127.0.0.1 alone
            return {host: "127.0.0.1" for host in hosts}
        first, second = hashlib.sha256(seed.encode()).digest()[:2]
        return {host: f"127.{first | 1}.{second}.{index + 2}" for index, host in enumerate(hosts)}

    def cloud_host(self) -> str:
        """The bridge's own address; in the fallback the machine's loopback."""
        return "127.0.0.1" if self.isolation() == "loopback" else network.BRIDGE_ADDRESS

    def base_folder(self, node_folder: Path) -> str:
        """The real place, except in the fallback."""
        return str(node_folder / "ml") if self.isolation() == "loopback" else CONTAINER_ROOT

    def prepare(self, image_uri: str) -> None:
        """Make the image's environment if it is missing."""
        environment.ensure(image.load(image_uri, current.project_root).requirements)

    def start(self, spec: AttemptSpec) -> CellAttempt:
        """Start a cell with one node for each instance."""
        found = image.load(spec.image, current.project_root)
        python = environment.ensure(found.requirements)
        isolation = self.isolation()
        addresses = self.addresses([node.host for node in spec.nodes], str(spec.folder))
        hosts_file = spec.folder / "hosts"
        hosts_file.write_text(network.hosts_file(addresses))
        plan = CellPlan(
            isolation=isolation,
            cloud_port=spec.cloud_port,
            nodes=[_node_plan(spec, node, found, python, hosts_file, addresses, isolation) for node in spec.nodes],
            folder=str(spec.folder),
        )
        outputs, write_ends = {}, []
        for node in spec.nodes:
            outputs[node.host], write_end = os.pipe()
            write_ends.append(write_end)
        try:
            return CellAttempt(plan, outputs, write_ends)
        except OSError:
            for output in outputs.values():
                os.close(output)
            raise
        finally:
            for write_end in write_ends:
                os.close(write_end)


def _node_plan(
    spec: AttemptSpec,
    node: NodeSpec,
    found: image.Image,
    python: Path,
    hosts_file: Path,
    addresses: Mapping[str, str],
    isolation: Isolation,
) -> NodePlan:
    for name in ("ml", "tmp", "home", "root"):
        (node.folder / name).mkdir(parents=True, exist_ok=True)
    hostname = node.folder / "hostname"
    hostname.write_text(f"{node.host}\n")
    entrypoint = list(spec.entrypoint if spec.entrypoint is not None else found.entrypoint)
    default = ["train"] if spec.entrypoint is None else []
    arguments = list(spec.arguments) if spec.arguments is not None else default
    variables = {"HOME": "/root", "LANG": "C.UTF-8", "HOSTNAME": node.host, **found.environment, **node.environment}
    variables["PATH"] = f"{python / 'bin'}:{variables['PATH']}"
    variables["VIRTUAL_ENV"] = str(python)
    work_folder = found.work_folder
    if isolation == "loopback":
        work_folder = _move_root(variables, found, node, addresses, work_folder)
    binds = [Bind(source=str(node.ml), target=CONTAINER_ROOT)]
    binds += [Bind(source=str(node.folder / name), target=target) for target, name in _OWN_FOLDERS.items()]
    binds += [Bind(source=str(hosts_file), target="/etc/hosts"), Bind(source=str(hostname), target="/etc/hostname")]
    binds += [Bind(source=str(source), target=target, read_only=True) for source, target in found.copies]
    binds += [Bind(source=str(source), target=target, read_only=only) for source, target, only in node.mounts]
    for needed in (Path(sys.base_prefix), python):
        if any(needed.is_relative_to(hidden) for hidden in _OWN_FOLDERS):
            binds.append(Bind(source=str(needed), target=str(needed), read_only=True))
    return NodePlan(
        host=node.host,
        root=str(node.folder),
        command=entrypoint + arguments,
        environment=variables,
        work_folder=work_folder,
        binds=binds,
    )


def _move_root(
    variables: dict[str, str], found: image.Image, node: NodeSpec, addresses: Mapping[str, str], work_folder: str
) -> str:
    """Without namespaces: say in the environment where things lie, and return the folder to start in."""
    moved = {target: str(source) for source, target in found.copies}
    moved[CONTAINER_ROOT] = str(node.ml)
    variables["SAGEMAKER_BASE_DIR"] = str(node.ml)
    variables["SHARDYARD_HOST_ADDRESSES"] = json.dumps(dict(addresses))
    variables["TMPDIR"] = str(node.folder / "tmp")
    variables["HOME"] = str(node.folder / "home")
    roots = [str(Path(source).parent) for target, source in moved.items() if target != CONTAINER_ROOT]
    search = [_moved(part, moved) for part in variables.get("PYTHONPATH", "").split(":") if part]
    variables["PYTHONPATH"] = ":".join(dict.fromkeys([str(_LOOPBACK_PATCH), *search, *roots]))
    for source, target, _ in node.mounts:
        place = Path(_moved(target, moved))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(source)
    start = _moved(work_folder, moved)
    return start if os.path.isdir(start) else str(node.ml)


def _moved(path: str, moved: Mapping[str, str]) -> str:
    for target, source in moved.items():
        if path == target or path.startswith(target + "/"):
            return source + path[len(target) :]
    return path


def _machine_path() -> str:
    """`ip` lies where an ordinary user's PATH does not lead."""
    return os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"


def remove_folder(folder: Path) -> None:
    """Remove an attempt's folder; files that a program made unwritable are removed all the same."""

    def force(function: Any, path: str, _: Any) -> None:
        os.chmod(os.path.dirname(path), 0o700)
        if os.path.isdir(path):
            os.chmod(path, 0o700)
        function(path)

    shutil.rmtree(folder, onerror=force)
