"""The strategy `torchrun`: torch's elastic agent with ranks that are forked from a process that has torch imported.

PID 1 itself imports no framework: it forks `torchrun_host`, hands it the order through a pipe, passes SIGTERM on,
and starts it again when it is killed.
"""

import contextlib
import json
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from contract.exit_codes import INTERRUPTED
from contract.variables import FORK, MAX_RESTARTS, RENDEZVOUS_PORT
from training.launcher import leaving, variables
from training.launcher.endings import failure
from training.launcher.endings.interruption import NOTHING_BEGUN
from training.launcher.launch import Launch
from training.launcher.supervise import Child, Supervisor
from training.launcher.torchrun.order import Order

_MAX_RESTARTS = 3
_RENDEZVOUS_PORT = 29400


@dataclass(kw_only=True, slots=True)
class TorchHost:
    """The running host process, and the pipes to and from it."""

    child: Child
    order: int
    report: int
    memory_kills: int
    """The kernel's count of processes killed for memory when it started."""


def start_host(supervisor: Supervisor, environ: dict[str, str]) -> TorchHost:
    """Start the host, which begins to import torch at once and waits for its order."""
    order_read, order_write = os.pipe2(os.O_CLOEXEC)
    report_read, report_write = os.pipe2(os.O_CLOEXEC)

    def action() -> int:
        # A fork, since a second interpreter's start would make us slower than a bare torchrun
        from training.launcher.torchrun import host as torchrun_host

        return torchrun_host.main(order_read, report_write, environ)

    memory_kills = failure.killed_for_memory()
    supervisor.private |= {order_write, report_read}
    child = supervisor.start("the torchrun host", action)
    os.close(order_read)
    os.close(report_write)
    return TorchHost(child=child, order=order_write, report=report_read, memory_kills=memory_kills)


def run(supervisor: Supervisor, launch: Launch, host: TorchHost) -> int:
    """Give the order, wait for the outcome, and return the launcher's exit code."""
    order = make_order(launch)
    restarts_left = order.restarts_left
    while True:
        outcome = _run_host(supervisor, host, replace(order, restarts_left=restarts_left), launch.grace_seconds)
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
        host = start_host(supervisor, launch.environ)


def make_order(launch: Launch, environ: Mapping[str, str] = os.environ) -> Order:
    """Everything that the host and its agent need to know."""
    contract = launch.contract
    alone = len(contract.hosts) == 1
    restart_limit = variables.whole(environ, MAX_RESTARTS, _MAX_RESTARTS)
    return Order(
        program=launch.program,
        environ=launch.environ,
        cwd=None if launch.working_dir is None else str(launch.working_dir),
        base=str(contract.base),
        hosts=contract.hosts,
        node_rank=contract.host_rank,
        master_address="127.0.0.1" if alone else launch.addresses[contract.hosts[0]],
        port=variables.whole(environ, RENDEZVOUS_PORT, _RENDEZVOUS_PORT, at_least=1, at_most=65535),
        run_id=environ.get("TRAINING_JOB_NAME", "local"),
        processes_per_node=launch.processes_per_node,
        wait_seconds=launch.host_wait_seconds,
        restart_limit=restart_limit,
        restarts_left=restart_limit,
        grace_seconds=launch.grace_seconds,
        fork=variables.whole(environ, FORK, 1) != 0,
    )


def _run_host(supervisor: Supervisor, host: TorchHost, order: Order, grace_seconds: float) -> dict[str, Any] | None:
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
            deadline = time.monotonic() + grace_seconds + 5.0
        elif deadline is not None and time.monotonic() >= deadline:
            supervisor.stop([host.child], grace_seconds=0.0)
    with os.fdopen(host.report) as pipe:
        text = pipe.read()
    outcome: dict[str, Any] | None = json.loads(text) if text else None
    return outcome


def _describe(launch: Launch, host: TorchHost) -> str:
    ended = failure.Failure(
        name="the torchrun host",
        host=launch.contract.current_host,
        exit_status=host.child.status or 1,
        tail=host.child.tail.decode(errors="replace"),
        out_of_memory=failure.killed_for_memory() > host.memory_kills,
    )
    from training.launcher.endings import reasons

    return reasons.describe(ended, base=launch.contract.base)
