"""What /opt/ml/output/failure says: which rank failed first, and why, in one sentence and a short traceback."""

import contextlib
import os
import re
import signal
import socket
import sys
from pathlib import Path
from typing import NamedTuple

FAILURE_LIMIT_BYTES = 1024
"""SageMaker copies this much of the file into the job's FailureReason and drops the rest."""

_TRACEBACK_START = "Traceback (most recent call last):"
_IGNORED = re.compile(rf"^Exception ignored .*\n(?:{re.escape(_TRACEBACK_START)}\n(?: .*\n)*\S.*\n?)?", re.MULTILINE)
"""What a destructor raises, often at the interpreter's end and so after the real reason."""

_RANK_PREFIX = re.compile(r"^\[rank\d+\]: ?", re.MULTILINE)
_UNCOMPILED = re.compile(
    r'^  File "[^"\n]+", line \d+\n(?:    .*\n){0,2}(?:Syntax|Indentation|Tab)Error: .*\s*\Z', re.MULTILINE
)
_DISK_FULL = "No space left on device"
_REFUSED = re.compile(r"^usage: (?:.*\n)+?(.*: error: .*)\s*\Z", re.MULTILINE)
"""argparse's last words, with exit code 2."""

_OTHER_DISKS = (Path("/tmp"), Path("/dev/shm"))
"""What fills up besides /opt/ml: data loaders hand batches over through /dev/shm, which is a disk of its own."""

_INCURABLE = ("ImportError", "ModuleNotFoundError", "SyntaxError", "IndentationError", "TabError", "FileNotFoundError")

_OUR_REFUSALS = re.compile(
    r"^training\.[\w.]+\.(?:PlanError|Unsupported|Unfit|DataError|NoDigits|NoTokens): ", re.MULTILINE
)
"""A plan, a machine, a checkpoint or data that do not go together: their messages may have several lines."""


class LaunchError(Exception):
    """The program could not be started; the message is the sentence for the failure file."""


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


def describe(failure: Failure, *, base: Path) -> str:
    """Say what happened in at most 1024 bytes: a sentence first, then the end of the traceback."""
    who = f"{failure.name} on {failure.host}"
    sentence = f"{who} {_cause(failure, base)}"
    details = traceback_of(failure.tail) or failure.tail.strip()
    if not details:
        return _fit(sentence, "")
    return _fit(sentence, _user_frames(details))


def describe_own(tail: str, *, base: Path) -> str:
    """The same for an error of the launcher itself."""
    return describe(Failure(name="the launcher", host=socket.gethostname(), exit_status=1, tail=tail), base=base)


def traceback_of(text: str) -> str:
    """The last Python traceback in a text, without what was printed before it; empty when there is none."""
    text = _IGNORED.sub("", _RANK_PREFIX.sub("", text))
    start = text.rfind(_TRACEBACK_START)
    if start < 0:
        # The script itself could not be compiled: Python shows the place without that first line
        found = _UNCOMPILED.search(text)
        return "" if found is None else found[0].strip()
    lines = text[start:].splitlines()
    end = next((n for n, line in enumerate(lines[1:], 1) if line and not line.startswith((" ", "\t"))), len(lines) - 1)
    # An exception's message may have several lines: keep a few, but not the whole log that follows
    return "\n".join(lines[: end + 6]).strip()


def is_incurable(failure: Failure) -> bool:
    """Whether the same program would only fail again: nothing is gained by a restart."""
    if failure.exit_status < 0:
        # What a killed process had logged before is not why it ended
        return False
    if _DISK_FULL in failure.tail or _refusal(failure) or _OUR_REFUSALS.search(failure.tail):
        return True
    return _last_line(failure.tail).partition(":")[0] in _INCURABLE


def write(base: Path, message: str) -> None:
    """Write the failure file, and say the same on standard error, where it also reaches the log."""
    with contextlib.suppress(OSError):
        # Whoever read the log may have gone; the file matters more
        print(f"launcher: {message}", file=sys.stderr, flush=True)
    path = base / "output" / "failure"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_cut(message, FAILURE_LIMIT_BYTES).encode())
    except OSError as error:
        # A full disk is one of the things this file reports, and then it cannot be written
        print(f"launcher: {path} could not be written: {error}", file=sys.stderr, flush=True)


def _cause(failure: Failure, base: Path) -> str:
    if _DISK_FULL in failure.tail:
        free = ", ".join(f"{_free_gib(place):.1f} GiB free under {place}" for place in (base, *_OTHER_DISKS))
        return f"failed because the disk is full ({free}): give the job a larger volume"
    if failure.exit_status == -signal.SIGKILL:
        if failure.out_of_memory:
            return "was killed by the kernel because the machine ran out of memory (OOM killer)"
        return "was killed by SIGKILL"
    if failure.exit_status < 0:
        return f"was ended by {_signal_name(-failure.exit_status)}"
    last = _last_line(failure.tail) or _refusal(failure)
    sentence = f"failed: {last}" if last else f"ended with exit code {failure.exit_status}"
    if failure.out_of_memory:
        # A data loader's worker, for example, of whose end its rank hears no reason
        sentence += " (the kernel had killed a process because the machine ran out of memory)"
    return sentence


def _last_line(tail: str) -> str:
    """The line that names the exception; empty when no traceback was printed."""
    for line in traceback_of(tail).splitlines()[1:]:
        if line and not line.startswith((" ", "\t")):
            return line.strip()[:300]
    return ""


def _refusal(failure: Failure) -> str:
    """What argparse says about arguments that the program does not take; empty when it did not."""
    found = _REFUSED.search(failure.tail) if failure.exit_status == 2 else None
    return "" if found is None else found[1].strip()[:300]


def _user_frames(details: str) -> str:
    """Leave out the frames of the interpreter's own runner: nobody needs to read runpy."""
    lines = details.splitlines()
    kept: list[str] = []
    skip = False
    for line in lines:
        if line.startswith('  File "'):
            skip = "<frozen runpy>" in line or "/training/launcher/" in line
        elif not line.startswith((" ", "\t")):
            skip = False
        if not skip:
            kept.append(line)
    return "\n".join(kept)


def _fit(sentence: str, details: str) -> str:
    """Cut the details at their beginning, since a traceback's end says the most."""
    sentence = _cut(" ".join(sentence.split()), 500)
    room = FAILURE_LIMIT_BYTES - len(sentence.encode()) - 1
    encoded = details.encode()
    if len(encoded) > room:
        encoded = b"..." + encoded[len(encoded) - room + 3 :]
    text = encoded.decode(errors="ignore").strip()
    return f"{sentence}\n{text}" if text and room > 20 else sentence


def _cut(text: str, limit_bytes: int) -> str:
    """The beginning of a text as far as it fits, in whole characters that a file can hold."""
    return text.encode(errors="replace")[:limit_bytes].decode(errors="ignore")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _free_gib(base: Path) -> float:
    try:
        space = os.statvfs(base)
        return space.f_bavail * space.f_frsize / 2**30
    except OSError:
        return 0.0


def killed_for_memory() -> int:
    """The kernel's count of processes that it killed for memory in this container; 0 where it does not say."""
    for path in ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"):
        try:
            text = Path(path).read_text()
        except OSError:
            continue
        for line in text.splitlines():
            key, _, value = line.partition(" ")
            if key == "oom_kill":
                return int(value)
    return 0
