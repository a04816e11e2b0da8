"""The packages that the user's code asks for, installed on this node before its ranks start."""

import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from contract.requirements import FILE, digest, names_packages, pip_command, pip_errors
from contract.variables import REQUIREMENTS_SHA256
from training.launcher.endings import failure
from training.launcher.supervise import Supervisor, execute

_LOOK_SECONDS = 1.0


def install(
    supervisor: Supervisor,
    code_dir: Path,
    *,
    wheels: Path | None = None,
    pause: Callable[[float], None],
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Install the code's requirements.txt, unless the image has it already; `pause` waits, and raises on SIGTERM.

    From `wheels` alone where that folder is there: an index that cannot be reached costs minutes for each package.
    """
    path = code_dir / FILE
    content = path.read_bytes() if path.is_file() else b""
    if not names_packages(content) or environ.get(REQUIREMENTS_SHA256) == digest(content):
        return
    began = time.monotonic()
    alone = ["--no-index", "--find-links", str(wheels)] if wheels is not None and wheels.is_dir() else []
    command = pip_command(sys.executable, FILE, *alone)
    child = supervisor.start("pip", execute(command, dict(environ), working_dir=code_dir))
    while child.status is None:
        pause(_LOOK_SECONDS)
    if child.status != 0:
        said = pip_errors(child.tail.decode(errors="replace"))
        raise failure.LaunchError(
            f"{FILE} of the code cannot be installed: {said}; correct it, or put its packages into the image"
        )
    failure.say(f"{FILE} of the code is installed ({time.monotonic() - began:.0f} s)")
