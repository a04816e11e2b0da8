"""The file /opt/ml/output/failure, and what is known of a process that failed; `reasons` says why it did."""

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from contract.exit_codes import INTERRUPTED, REFUSED

FAILURE_LIMIT_BYTES = 1024
"""SageMaker copies this much of the file into the job's FailureReason and drops the rest."""

MEMORY_EVENTS = (Path("/sys/fs/cgroup/memory.events"), Path("/sys/fs/cgroup/memory/memory.oom_control"))
"""Where a container finds its own counts, in version 2 of control groups and in version 1."""


class LaunchError(Exception):
    """The program could not be started; the message is the sentence for the failure file."""

    code = 1
    """The launcher's exit code."""


class LaunchRefused(LaunchError):
    """The job asks for what this container cannot do: the same job would only be refused again."""

    code = REFUSED


class Failure(NamedTuple):
    """How one process ended."""

    name: str
    """The process in the user's words: `rank 3` or `the program`."""

    host: str
    """The node it ran on."""

    exit_status: int
    """Its exit code, or minus the signal that ended it."""

    tail: str
    """The last of what it wrote to standard error, or its traceback."""

    out_of_memory: bool = False
    """Whether the kernel's count of processes killed for memory rose while it ran."""


def code_of(status: int) -> int:
    """The launcher's exit code after a program that failed: its refusal is passed on, everything else is 1."""
    return REFUSED if status == REFUSED else 1


def write(base: Path, message: str) -> None:
    """Write the failure file, and say the same on standard error, where it also reaches the log."""
    say(message)
    path = base / "output" / "failure"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cut(message, FAILURE_LIMIT_BYTES).encode())
    except OSError as error:
        # A full disk is one of the things this file reports, and then it cannot be written
        say(f"{path} could not be written: {error}")


def conclude(base: Path, code: int, message: str) -> int:
    """Say how the run ended where it did not end well: a failure in its file, an interruption in the log."""
    if code == INTERRUPTED:
        say(f"interrupted: {message}; exit {code}")
    elif code != 0:
        write(base, message)
    return code


def say_restart(why: str, *, left: int, limit: int) -> None:
    """Leave a trace of what is healed: after a restart that succeeds nothing else tells of it."""
    say(f"{why}; restart {limit - left} of {limit}")


def say(message: str) -> None:
    """Write one line of the launcher's own into the log."""
    with contextlib.suppress(OSError):
        # Whoever read the log may have gone; the run and its failure file matter more
        print(f"launcher: {message}", file=sys.stderr, flush=True)


def cut(text: str, limit_bytes: int) -> str:
    """The beginning of a text as far as it fits, in whole characters that a file can hold."""
    return text.encode(errors="replace")[:limit_bytes].decode(errors="ignore")


def killed_for_memory(paths: Sequence[Path] = MEMORY_EVENTS) -> int:
    """The kernel's count of processes that it killed for memory in this container; 0 where it does not say."""
    for path in paths:
        try:
            text = path.read_text()
        except OSError:
            continue
        for line in text.splitlines():
            key, _, value = line.partition(" ")
            if key == "oom_kill":
                return int(value)
    return 0
