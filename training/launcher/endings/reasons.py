"""Why a process ended, for the failure file: read from its exit status and the last of what it wrote.

A plain start imports it only where something has failed.
"""

import re
import signal
import socket
from pathlib import Path

from contract.exit_codes import REFUSED
from training.launcher.endings.disks import describe_full, read_disks
from training.launcher.endings.failure import FAILURE_LIMIT_BYTES, Failure, cut
from training.launcher.endings.hints import hint, wants_a_gpu
from training.launcher.endings.tensorflow_words import KERAS_FIT, is_keras_fit, telling
from training.launcher.endings.tracebacks import errors_of, last_line, place_of, traceback_of, user_frames, users_own

_DISK_FULL = "No space left on device"
_WRITE_FAILED = re.compile(
    r"unexpected pos \d+ vs \d+|file write failed|basic_ios::clear: iostream error|\d+ requested and \d+ written"
)
"""What torch.save and numpy say of a write that failed, whatever the reason."""

_NCCL_TIMEOUT = "Watchdog caught collective operation timeout"
"""What torch prints before it ends a rank that waits for another one on GPUs."""

_WARNING = re.compile("warning", re.IGNORECASE)
_LAST_LINES = 3
"""How many lines may say why a program that is no Python program has ended."""

_REFUSED = re.compile(r"^usage: (?:.*\n)+?(.*: error: .*)\s*\Z", re.MULTILINE)
"""argparse's last words, with exit code 2."""

_NO_MODULE = re.compile(
    r"^\S*python\S*: ((?:No module named|Error while finding module specification for) .*)\s*\Z", re.MULTILINE
)
"""What `python -m` says, with exit code 1 and no traceback, where a rank is a new Python."""

_OF_A_PEER = re.compile(
    r"/torch/distributed/|Connection (?:closed|reset|refused)|NCCL|[Gg]loo|[Tt]imed? ?out|Broken pipe|DistBackendError"
    r"|errors_impl\.(?:Unavailable|Aborted|Cancelled|DeadlineExceeded)Error|Collective ops is aborted"
)
"""What a rank says that fails because of another one, or of the network."""

_INCURABLE = ("ImportError", "ModuleNotFoundError", "SyntaxError", "IndentationError", "TabError", "FileNotFoundError")


def describe(failure: Failure, *, base: Path) -> str:
    """Say what happened in at most 1024 bytes: a sentence first, then the end of the traceback."""
    who = f"{failure.name} on {failure.host}"
    sentence = f"{who} {_cause(failure, base)}"
    if _refusal(failure):
        # How the program is to be called would fill the file
        return _fit(sentence, _REFUSED.sub(r"\1", failure.tail), base)
    return _fit(sentence, user_frames(traceback_of(failure.tail) or failure.tail), base)


def describe_own(tail: str, *, base: Path) -> str:
    """The same for an error of the launcher itself."""
    return describe(Failure(name="the launcher", host=socket.gethostname(), exit_status=1, tail=tail), base=base)


def is_incurable(failure: Failure, *, base: Path) -> bool:
    """Whether the same program would only fail again: nothing is gained by a restart."""
    if failure.exit_status < 0:
        # What a killed process had logged before is not why it ended
        return False
    if is_keras_fit(failure.tail) or failure.exit_status == REFUSED or _full_disk(failure, base) or _refusal(failure):
        return True
    last = last_line(failure.tail)
    return last.partition(":")[0] in _INCURABLE or wants_a_gpu(last)


def is_of_the_program(failure: Failure) -> bool:
    """Whether a program failed by itself, and not because of a peer that was lost or a signal."""
    error, place = place_of(failure.tail)
    return failure.exit_status > 0 and bool(place) and not _OF_A_PEER.search(f"{error} {place}")


def _cause(failure: Failure, base: Path) -> str:
    if failure.exit_status == -signal.SIGKILL:
        if failure.out_of_memory:
            return "was killed by the kernel because the machine ran out of memory (OOM killer)"
        return "was killed by SIGKILL"
    if failure.exit_status == -signal.SIGABRT and _NCCL_TIMEOUT in failure.tail:
        return "waited too long in a collective of NCCL: another rank hangs, is gone, or is in another collective"
    if failure.exit_status < 0:
        return f"was ended by {_signal_name(-failure.exit_status)}"
    if full_disk := _full_disk(failure, base):
        return f"failed because {full_disk}"
    if is_keras_fit(failure.tail):
        return f"failed: {KERAS_FIT}"
    sentence = f"ended with exit code {failure.exit_status}"
    if last := _refusal(failure) or telling(last_line(failure.tail), failure.tail):
        sentence = f"failed: {last}{hint(last, failure.tail, base / 'code')}"
    if failure.out_of_memory:
        # A data loader's worker, for example, of whose end its rank hears no reason
        sentence += " (the kernel had killed a process because the machine ran out of memory)"
    return sentence


def _full_disk(failure: Failure, base: Path) -> str:
    """Which disk is full, if the process ended because of one; a warning that training goes on is no end."""
    words = "\n".join(_last_words(failure.tail))
    if _DISK_FULL not in words and not _WRITE_FAILED.search(words):
        return ""
    disks = read_disks(base)
    return describe_full(disks) if _DISK_FULL in words or any(disk.is_full for disk in disks) else ""


def _last_words(tail: str) -> list[str]:
    """The last exception and its causes; without any, the last lines of a program that is no Python program."""
    errors = errors_of(tail)
    if errors:
        return errors
    lines = [line for line in tail.splitlines() if line.strip()]
    return [line for line in lines[-_LAST_LINES:] if not _WARNING.search(line)]


def _refusal(failure: Failure) -> str:
    """What argparse or `python -m` says of a program that it does not run; empty where neither said anything."""
    pattern = {1: _NO_MODULE, 2: _REFUSED}.get(failure.exit_status)
    found = None if pattern is None else pattern.search(failure.tail)
    return "" if found is None else found[1].strip()[:300]


def _fit(sentence: str, details: str, base: Path) -> str:
    """Leave out the frames of packages where they do not fit, then the beginning: a traceback's end says the most."""
    sentence = cut(" ".join(sentence.split()), 500)
    room = FAILURE_LIMIT_BYTES - len(sentence.encode()) - 1
    encoded = details.encode()
    if len(encoded) > room:
        encoded = users_own(details, base / "code").encode()
    if len(encoded) > room:
        encoded = b"..." + encoded[len(encoded) - room + 3 :]
    text = encoded.decode(errors="ignore").strip()
    return f"{sentence}\n{text}" if text and room > 20 else sentence


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
