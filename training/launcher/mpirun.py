"""The strategy `mpirun`: Open MPI started once, on the first node; the others serve it until it is done.

The image brings Open MPI, an ssh server and keys that let the nodes log in to each other.
"""

import os
import selectors
import socket
import sys
import time
from pathlib import Path

from training.launcher import failure, plain
from training.launcher.environment import MASTER_PORT
from training.launcher.failure import LaunchError
from training.launcher.launch import Launch
from training.launcher.supervise import INTERRUPTED, Supervisor, execute

_NOT_PASSED_ON = {"HOSTNAME", "PWD", "OLDPWD", "SHLVL", "_", "HOME", "PATH", "LD_LIBRARY_PATH"}
_WAIT_SECONDS = 300.0


def run(supervisor: Supervisor, launch: Launch) -> int:
    """Start everything on the first node; serve on the others."""
    if launch.contract.host_rank > 0:
        return _serve(supervisor, launch)
    others = launch.contract.hosts[1:]
    if not others:
        return plain.run_command(supervisor, launch, make_command(launch), launch.environ)
    with _listen(launch) as listener:
        waiting = _wait_for_nodes(supervisor, launch, listener)
        code = plain.run_command(supervisor, launch, make_command(launch), launch.environ)
        for connection in waiting:
            connection.sendall(b"%d\n" % code)
            connection.close()
    return code


def make_command(launch: Launch) -> list[str]:
    """mpirun's argument vector: the total number of ranks, the host file, and one interface."""
    host_file = Path(launch.environ.get("TMPDIR", "/tmp")) / f"shardyard-hosts-{os.getpid()}"
    slots = launch.processes_per_node
    lines = [f"{launch.addresses[host]} slots={slots}" for host in launch.contract.hosts]
    host_file.write_text("\n".join(lines) + "\n")
    interface = launch.environ["SM_NETWORK_INTERFACE_NAME"]
    settings = {
        "btl_tcp_if_include": interface,
        "oob_tcp_if_include": interface,
        "plm_rsh_no_tree_spawn": "1",
        # After SIGTERM mpirun gives its ranks this long to save before it kills them
        "odls_base_sigkill_timeout": str(int(launch.grace_seconds)),
    }
    passed_on = sorted(
        name for name in os.environ.keys() | {"PYTHONPATH"} if name not in _NOT_PASSED_ON and not name.startswith("SM_")
    )
    return [
        "mpirun",
        "--allow-run-as-root",
        *("-np", str(slots * len(launch.contract.hosts))),
        *("--hostfile", str(host_file)),
        *("--bind-to", "none"),
        *(word for name, value in settings.items() for word in ("-mca", name, value)),
        *(word for name in passed_on for word in ("-x", name)),
        *(sys.executable, "-m", "training.launcher.mpi_rank"),
    ]


def _listen(launch: Launch) -> socket.socket:
    address = launch.addresses[launch.contract.current_host]
    listener = socket.create_server((address, MASTER_PORT), backlog=len(launch.contract.hosts))
    listener.setblocking(False)
    return listener


def _wait_for_nodes(supervisor: Supervisor, launch: Launch, listener: socket.socket) -> list[socket.socket]:
    """Wait until every other node has said that its ssh server runs."""
    expected = len(launch.contract.hosts) - 1
    connections: list[socket.socket] = []
    deadline = time.monotonic() + _WAIT_SECONDS
    while len(connections) < expected:
        try:
            connection, _ = listener.accept()
            connection.setblocking(True)
            connections.append(connection)
        except BlockingIOError:
            supervisor.step(0.1)
        if supervisor.terminated or time.monotonic() > deadline:
            raise LaunchError(f"only {len(connections)} of {expected} other nodes were ready within 300 s")
    return connections


def _serve(supervisor: Supervisor, launch: Launch) -> int:
    """Run an ssh server until the first node says how it ended, or is gone."""
    server = supervisor.start("sshd", execute(["/usr/sbin/sshd", "-D"], launch.environ, working_dir=None))
    first = launch.contract.hosts[0]
    connection = _call(supervisor, launch.addresses[first])
    verdict = b""
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        while not verdict:
            supervisor.step(0.1)
            if server.status is not None:
                raise LaunchError(f"the ssh server on {launch.contract.current_host} ended with {server.status}")
            if selector.select(0):
                verdict = connection.recv(16) or b"lost"
    supervisor.stop([server], grace_seconds=1.0)
    if verdict == b"lost":
        failure.write(launch.contract.base, f"{first} was lost while mpirun was running on it")
        return 1
    code = int(verdict)
    if code == 1:
        failure.write(launch.contract.base, f"mpirun failed; the failure file of {first} says why")
    return INTERRUPTED if supervisor.terminated and code == 0 else code


def _call(supervisor: Supervisor, address: str) -> socket.socket:
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            return socket.create_connection((address, MASTER_PORT), timeout=5)
        except OSError as error:
            if supervisor.terminated or time.monotonic() > deadline:
                raise LaunchError(f"the first node could not be reached: {error}") from error
            supervisor.step(0.25)
