"""A process beside each attempt: relays its nodes to the cloud, and removes them where the cloud ends before them.

Started with the daemon's socket, the attempt's name, its folder and, where its nodes may reach the cloud, the
descriptor of a listener, the beginning of their addresses and the cloud's port. Its input ends with the cloud.
"""

import contextlib
import os
import shutil
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from embedded.nodes.cell import relay
from embedded.nodes.docker.networks import ATTEMPT_LABEL
from embedded.process.daemon import Daemon, DaemonError, labelled


def remove(daemon: Daemon, label: str) -> None:
    """Remove all containers and networks that have a label; what is gone already is no error."""
    for container in daemon.call("GET", f"/containers/json?{labelled(label)}"):
        with contextlib.suppress(DaemonError):
            daemon.call("DELETE", f"/containers/{container['Id']}?force=1&v=1")
    for network in daemon.call("GET", f"/networks?{labelled(label)}"):
        with contextlib.suppress(DaemonError):
            daemon.call("DELETE", f"/networks/{network['Id']}")


def main(arguments: Sequence[str]) -> None:
    """Relay until the input ends or says that all was done, and clean up in the first case."""
    path, attempt, folder, *rest = arguments
    if rest:
        listener, prefix, port = rest
        target = ("127.0.0.1", int(port))
        given = (socket.socket(fileno=int(listener)), target)
        threading.Thread(target=relay.serve, args=given, kwargs={"prefix": prefix}, daemon=True).start()
    done = os.read(0, 1)
    if not done:
        with contextlib.suppress(OSError, DaemonError):
            remove(Daemon(Path(path)), f"{ATTEMPT_LABEL}={attempt}")
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1:])
