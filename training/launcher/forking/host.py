"""A node's host process: PID 1 forks it, hands it the order through a pipe, and starts it again when it is killed.

PID 1 itself imports no framework. The host imports one while the other nodes' names and the code are awaited.
"""

import contextlib
import gc
import importlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from contract import secrets
from contract.exit_codes import INTERRUPTED
from training.launcher import leaving
from training.launcher.endings import failure
from training.launcher.endings.interruption import NOTHING_BEGUN
from training.launcher.forking.order import Order
from training.launcher.launch import Launch
from training.launcher.supervise import Child, Supervisor
from training.launcher.worker import die_with_parent, name_process

Main = Callable[[int, int, Mapping[str, str]], int]
"""A host's own program: the pipe that the order comes by, the pipe for the outcome, and the environment."""


@dataclass(kw_only=True, slots=True)
class HostProcess:
    """The running host process, and the pipes to and from it."""

    child: Child
    order: int
    report: int
    memory_kills: int
    """The kernel's count of processes killed for memory when it started."""


def start(supervisor: Supervisor, name: str, main: Main, environ: Mapping[str, str]) -> HostProcess:
    """Start the host, which begins to import at once and waits for its order."""
    order_read, order_write = os.pipe2(os.O_CLOEXEC)
    report_read, report_write = os.pipe2(os.O_CLOEXEC)
    memory_kills = failure.killed_for_memory()
    supervisor.private |= {order_write, report_read}
    # A fork, since a second interpreter's start would make us slower than the framework's own launcher
    child = supervisor.start(name, lambda: main(order_read, report_write, environ))
    os.close(order_read)
    os.close(report_write)
    return HostProcess(child=child, order=order_write, report=report_read, memory_kills=memory_kills)


def run(supervisor: Supervisor, launch: Launch, host: HostProcess, order: Order, main: Main) -> int:
    """Give the order, wait for the outcome, and return the launcher's exit code."""
    restarts_left = order.restarts_left
    while True:
        outcome = run_once(supervisor, host, replace(order, restarts_left=restarts_left))
        if outcome is not None:
            return leaving.leave(supervisor, launch, outcome["code"], outcome["message"])
        if host.child.status == -signal.SIGTERM and supervisor.terminated:
            # It came before the host could take it
            return failure.conclude(launch.contract.base, INTERRUPTED, NOTHING_BEGUN)
        ended = _describe(launch, host)
        if supervisor.terminated or restarts_left == 0 or host.child.status == 1:
            return leaving.leave(supervisor, launch, 1, ended)
        restarts_left -= 1
        failure.say_restart(ended.partition("\n")[0], left=restarts_left, limit=order.restart_limit)
        host = start(supervisor, host.child.name, main, launch.environ)


def run_once(supervisor: Supervisor, host: HostProcess, order: Order) -> dict[str, Any] | None:
    """One life of the host: its outcome, or None when it ended without one."""
    supervisor.private -= {host.order, host.report}
    # A host that has died, while the other nodes were awaited, says why by its end
    with contextlib.suppress(BrokenPipeError), os.fdopen(host.order, "w") as pipe:
        pipe.write(order.to_json())
    deadline: float | None = None
    while host.child.status is None:
        supervisor.step(60.0 if deadline is None else max(deadline - time.monotonic(), 0.01))
        if supervisor.terminated and deadline is None:
            supervisor.signal([host.child], signal.SIGTERM)
            # The host keeps the grace period itself; this is for a host that hangs
            deadline = time.monotonic() + order.grace_seconds + 5.0
        elif deadline is not None and time.monotonic() >= deadline:
            supervisor.stop([host.child], grace_seconds=0.0)
    with os.fdopen(host.report) as pipe:
        text = pipe.read()
    outcome: dict[str, Any] | None = json.loads(text) if text else None
    return outcome


def _describe(launch: Launch, host: HostProcess) -> str:
    ended = failure.Failure(
        name=host.child.name,
        host=launch.contract.current_host,
        exit_status=host.child.status or 1,
        tail=host.child.tail.decode(errors="replace"),
        out_of_memory=failure.killed_for_memory() > host.memory_kills,
    )
    from training.launcher.endings import reasons

    return reasons.describe(ended, base=launch.contract.base)


def be_host(
    order_fd: int,
    report_fd: int,
    environ: Mapping[str, str],
    *,
    name: str,
    preloads: Collection[str],
    serve: Callable[[Supervisor, Order], Mapping[str, Any]],
) -> int:
    """In the host: import, take the launcher's order from one pipe, and put the outcome into the other."""
    die_with_parent()
    name_process(name)
    os.environ.update(environ)
    # The first one is the program's to replace
    sys.path[1:1] = [part for part in environ["PYTHONPATH"].split(os.pathsep) if part not in sys.path[1:]]
    supervisor = Supervisor()
    supervisor.private.add(report_fd)
    preload(*preloads)
    with os.fdopen(order_fd) as pipe:
        text = pipe.read()
    if not text:
        return INTERRUPTED
    # The user's code has been unpacked meanwhile, into a folder that Python remembers not to have found
    importlib.invalidate_caches()
    order = Order.from_json(text)
    if values := secrets.values(order.environ):
        # Imported only here: most jobs have no secrets
        from training.launcher.secrets.redaction import hide

        hide(supervisor, values)
    os.environ.update(order.environ)
    if order.cwd is not None:
        os.chdir(order.cwd)
    outcome = serve(supervisor, order)
    os.write(report_fd, json.dumps(outcome).encode())
    return int(outcome["code"])


def preload(*names: str) -> None:
    """Import modules for the forks to come; by name, since this process itself uses nothing of them."""
    # Importing makes hundreds of thousands of objects and no garbage: looking for some takes an eighth of the time.
    # Frozen, they are looked through neither here nor in any fork, which keeps their pages shared as well
    gc.disable()
    for name in names:
        importlib.import_module(name)
    gc.freeze()
    gc.enable()
