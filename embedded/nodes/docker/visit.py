"""A visitor of a running container: one command in it, by the docker command, on pipes or on a terminal."""

import os
import shutil
import sys
from collections.abc import Sequence
from typing import NoReturn

_CANNOT_RUN = 127


def main(arguments: Sequence[str]) -> NoReturn:
    """`SOCKET CONTAINER terminal|pipes COMMAND...`: become docker, which ends with the command's exit code."""
    path, container, kind, *command = arguments
    docker = shutil.which("docker")
    if docker is None:
        print("entering a container needs the docker command, and there is none on the PATH", file=sys.stderr)
        sys.exit(_CANNOT_RUN)
    terminal = ["--tty"] if kind == "terminal" else []
    words = ["docker", "--host", f"unix://{path}", "exec", "--interactive", *terminal, container, *command]
    os.execv(docker, words)


if __name__ == "__main__":
    main(sys.argv[1:])
