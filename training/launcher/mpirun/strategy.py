"""The strategy `mpirun`: Open MPI started once, on the first node; the others serve it until it is done.

The image has to bring Open MPI 4 and nothing else: what ssh does elsewhere, the launchers do among themselves.
"""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from contract.exit_codes import INTERRUPTED
from contract.variables import MPI_SOCKET
from training.launcher import leaving
from training.launcher.endings import failure, interruption, reasons
from training.launcher.endings.failure import LaunchError
from training.launcher.launch import Launch
from training.launcher.mpirun.nodes import PORT, FirstNode, OtherNode
from training.launcher.mpirun.rank import INTERRUPT
from training.launcher.nodes.line import call
from training.launcher.package import PACKAGE_ROOT
from training.launcher.sm_variables import MASTER_PORT
from training.launcher.supervise import Child, Supervisor
from training.launcher.worker import execute_bound

_TELL_AGAIN_SECONDS = 3.0

_LAST_WORDS_SECONDS = 5.0
"""How long after mpirun's end the last rank's report may still be on its way from another node."""


def run(supervisor: Supervisor, launch: Launch) -> int:
    """Start everything on the first node; serve on the others."""
    contract = launch.contract
    first = contract.hosts[0]
    tool = "mpirun" if contract.current_host == first else "orted"
    if shutil.which(tool, path=launch.environ.get("PATH")) is None:
        raise LaunchError(f"the image has no {tool}: install Open MPI 4 in it, or set launcher to torchrun or plain")
    with tempfile.TemporaryDirectory(prefix="shardyard-") as name:
        folder = Path(name)
        if contract.current_host == first:
            verdict: tuple[int, str] | None = _lead(supervisor, launch, folder)
        else:
            verdict = _serve(supervisor, launch, folder)
    code, message = verdict if verdict is not None else (1, f"{first} was lost while mpirun was running on it")
    return leaving.leave(supervisor, launch, code, message)


def _lead(supervisor: Supervisor, launch: Launch, folder: Path) -> tuple[int, str]:
    hosts = launch.contract.hosts
    node = FirstNode(supervisor, folder, launch.addresses)
    slots = {hosts[0]: launch.processes_per_node}
    if len(hosts) > 1:
        node.wait_for_nodes(launch.addresses[hosts[0]], hosts[1:], launch.host_wait_seconds)
        slots |= node.slots
    code, message = INTERRUPTED, interruption.NOTHING_BEGUN
    if not supervisor.terminated:
        command = make_command(launch, slots, folder / "hosts")
        action = execute_bound(command, _environ(launch, node.path), working_dir=launch.working_dir)
        child = supervisor.start("mpirun", action)
        _wait(supervisor, child, launch.grace_seconds)
        code, message = _outcome(supervisor, launch, child, node, world=sum(slots.values()))
    node.say_goodbye(code, message)
    return code, message


def _serve(supervisor: Supervisor, launch: Launch, folder: Path) -> tuple[int, str] | None:
    connection = call(supervisor, launch.addresses[launch.contract.hosts[0]], PORT, launch.host_wait_seconds)
    if connection is None:
        return INTERRUPTED, interruption.NOTHING_BEGUN
    node = OtherNode(supervisor, folder, connection, _environ(launch, folder / "desk"))
    return node.serve(launch.contract.current_host, launch.processes_per_node)


def _environ(launch: Launch, desk: Path) -> dict[str, str]:
    """What the ranks find; each node's come from its own launcher, so that SM_CURRENT_HOST is true everywhere."""
    return {
        **launch.environ,
        # Ours first (and -P below): the user's code may have a package called training too. mpi_rank takes it off again
        "PYTHONPATH": f"{PACKAGE_ROOT}{os.pathsep}{launch.environ['PYTHONPATH']}",
        "MASTER_ADDR": launch.addresses[launch.contract.hosts[0]],
        "MASTER_PORT": str(MASTER_PORT),
        MPI_SOCKET: str(desk),
    }


def make_command(launch: Launch, slots: Mapping[str, int], host_file: Path) -> list[str]:
    """mpirun's argument vector: the total number of ranks, the host file, and one interface."""
    lines = [f"{launch.addresses[host]} slots={slots[host]}" for host in launch.contract.hosts]
    host_file.write_text("\n".join(lines) + "\n")
    interface = launch.environ["SM_NETWORK_INTERFACE_NAME"]
    settings = {
        "btl_tcp_if_include": interface,
        "oob_tcp_if_include": interface,
        "plm_rsh_agent": f"{sys.executable} -P -m training.launcher.mpirun.agent",
        "plm_rsh_no_tree_spawn": "1",
        # The daemons stay children of their launchers instead of slipping into the background
        "orte_leave_session_attached": "1",
    }
    return [
        "mpirun",
        "--allow-run-as-root",
        *("-np", str(sum(slots.values()))),
        *("--hostfile", str(host_file)),
        *("--bind-to", "none"),
        *(word for name, value in settings.items() for word in ("-mca", name, value)),
        *(sys.executable, "-P", "-m", "training.launcher.mpirun.rank"),
    ]


def _wait(supervisor: Supervisor, child: Child, grace_seconds: float) -> None:
    """Wait for mpirun's end; the ranks keep the grace period, and a mpirun that outlives it by 5 s is killed."""
    told_at = deadline = float("inf")
    while child.status is None:
        supervisor.step(0.5)
        now = time.monotonic()
        if supervisor.terminated and deadline == float("inf"):
            told_at, deadline = now, now + grace_seconds + 5.0
            supervisor.signal([child], INTERRUPT)
        elif now >= deadline:
            supervisor.stop([child], grace_seconds=0.0)
        elif now >= told_at + _TELL_AGAIN_SECONDS:
            # Ranks that were only being started have missed it
            told_at = now
            supervisor.signal([child], INTERRUPT)
    supervisor.kill_groups([child])


def _outcome(supervisor: Supervisor, launch: Launch, child: Child, node: FirstNode, *, world: int) -> tuple[int, str]:
    """What the run came to: a rank that failed counts first, then mpirun, then ranks that said nothing."""
    deadline = time.monotonic() + _LAST_WORDS_SECONDS
    while len(node.ended) < world and not _failures(node) and time.monotonic() < deadline:
        supervisor.step(0.1)
    if failures := _failures(node):
        return failures[0]
    if supervisor.terminated and child.status in (-INTERRUPT, 128 + INTERRUPT):
        # It came before mpirun or its ranks could take it
        return INTERRUPTED, interruption.NOTHING_BEGUN
    if child.status != 0:
        ended = failure.Failure(
            name="mpirun",
            host=launch.contract.current_host,
            exit_status=child.status if child.status is not None else 1,
            tail=child.tail.decode(errors="replace"),
        )
        return 1, reasons.describe(ended, base=launch.contract.base)
    if silent := sorted(set(range(world)) - node.ended.keys()):
        return 1, f"mpirun ended with 0, but nothing is known of rank {', '.join(map(str, silent))}"
    if supervisor.terminated or any(code == INTERRUPTED for code, _ in node.ended.values()):
        how = {rank: message or "ended with 0" for rank, (_, message) in node.ended.items()}
        return INTERRUPTED, interruption.of_ranks(how)
    return 0, ""


def _failures(node: FirstNode) -> list[tuple[int, str]]:
    return [end for end in node.ended.values() if end[0] not in (0, INTERRUPTED)]
