"""What mpirun calls where it would call ssh: ask the launcher on this node to start a daemon on another.

mpirun hands over a host and the words of a command, and takes this process's end for the daemon's.
"""

import json
import os
import shlex
import socket
import sys
from collections.abc import Mapping
from typing import Any

from contract.variables import MPI_SOCKET


def tell(message: Mapping[str, Any]) -> bytes:
    """Give this node's launcher a message and return its answer."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(os.environ[MPI_SOCKET])
        connection.sendall(json.dumps(message).encode() + b"\n")
        return connection.makefile("rb").readline()


def main(arguments: list[str]) -> int:
    """Pass the request on and wait for the daemon's exit code."""
    host, *command = arguments
    # The words are quoted for a shell that does not exist here
    answer = tell({"host": host, "start": shlex.split(" ".join(command))})
    return int(answer) if answer else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
