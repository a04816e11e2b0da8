"""How well this machine can isolate nodes: tried once, with a real cell."""

import functools
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from embedded.nodes import cell_attempt, image_files
from embedded.nodes.cell.plan import Bind, CellPlan, Isolation, NodePlan

log = logging.getLogger(__name__)

NOT_KEPT_APART = (
    "nodes and functions are not kept apart from this machine: their programs read and write whatever you may, reach "
    "your network, and see each other's processes and ports; run no code here that you would not run yourself"
)
"""What the mode `loopback` does not do."""
_TRY_SECONDS_MOST = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Sandbox:
    """The best isolation that this machine allows."""

    isolation: Isolation
    """How nodes are isolated."""
    why: str
    """What prevented better isolation; empty if nothing did."""


@functools.cache
def best() -> Sandbox:
    """Try the levels from the best down; the answer is cached."""
    found = _find_best()
    if found.isolation == "loopback":
        log.warning("%s (%s)", NOT_KEPT_APART, found.why)
    return found


def _find_best() -> Sandbox:
    if sys.platform != "linux":
        return Sandbox(isolation="loopback", why=f"{sys.platform} has no namespaces")
    reasons: list[str] = []
    kinds: tuple[Isolation, ...] = ("user", "root") if os.geteuid() == 0 else ("user",)
    for isolation in kinds:
        said = _try(isolation)
        if said is None:
            return Sandbox(isolation=isolation, why="; ".join(reasons))
        reasons.append(f"{isolation}: {said}")
    return Sandbox(isolation="loopback", why="; ".join(reasons))


@functools.cache
def can_stream(isolation: Isolation) -> bool:
    """Whether a node may mount FUSE, which FastFile mode needs."""
    return isolation != "loopback" and _try(isolation, streams=["/opt/ml/stream"]) is None


def _try(isolation: Isolation, *, streams: Sequence[str] = ()) -> str | None:
    """Start Python on a node; None on success, else what went wrong."""
    folder = Path(tempfile.mkdtemp(prefix="shardyard-try-"))
    try:
        for name in ("ml", "root", "tmp"):
            (folder / name).mkdir()
        node = NodePlan(
            host="algo-1",
            hostname="algo-1",
            root=str(folder),
            command=[image_files.python(), "-I", "-S", "-c", "pass"],
            environment={"PATH": os.environ.get("PATH", "/usr/bin:/bin")},
            work_folder="/opt/ml",
            visible=image_files.visible(),
            streams=list(streams),
            binds=[
                Bind(source=str(folder / "ml"), target="/opt/ml"),
                Bind(source=str(folder / "tmp"), target="/tmp"),
            ],
        )
        plan = CellPlan(isolation=isolation, cloud_port=None, nodes=[node], folder=str(folder))
        return _run(plan)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(plan: CellPlan) -> str | None:
    ours, theirs = socket.socketpair()
    read_end, write_end = os.pipe()
    with ours, theirs:
        process = subprocess.Popen(
            cell_attempt.command(),
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=cell_attempt.environment(),
            cwd="/",
        )
        theirs.close()
        socket.send_fds(ours, [json.dumps(plan.to_dict()).encode() + b"\n"], [write_end])
        os.close(write_end)
        try:
            _, said = process.communicate(timeout=_TRY_SECONDS_MOST)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            said = f"no answer within {_TRY_SECONDS_MOST} s"
        events = [json.loads(line) for line in ours.makefile("r")]
    with os.fdopen(read_end, errors="replace") as output:
        printed = output.read().strip()
    if events and events[-1].get("code") == 0:
        return None
    return printed or (events[-1].get("message") if events else None) or said.strip() or "the node did not run"
