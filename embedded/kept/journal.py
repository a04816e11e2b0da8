"""What must not be lost between two snapshots: it is written down before its client hears that it is done.

A journal begins anew with each snapshot. What it holds is what things are, not what was done to them, so that to read a
record twice, or one that the snapshot has too, changes nothing.
"""

import os
import pickle
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from embedded.kept import pickles

_PREFIX = "journal."
Replay = Callable[[Any], None]

_replays: dict[str, Replay] = {}
_lock = threading.Lock()


class _Current:
    """The journal that is written; none before snapshots are taken."""

    folder: Path | None = None
    number = 0
    descriptor = -1


_current = _Current()


def replayed(kind: str) -> Callable[[Replay], Replay]:
    """Register what puts a record of a kind back."""

    def register(function: Replay) -> Replay:
        _replays[kind] = function
        return function

    return register


def is_open() -> bool:
    """Whether anything is written down."""
    return _current.folder is not None


def write(kind: str, look: Callable[[], Any]) -> None:
    """Write down what `look` finds; it is called when no other record can come between."""
    with _lock:
        if _current.folder is None:
            return
        data = pickles.dumps_one((kind, look()))
        os.write(_current.descriptor, len(data).to_bytes(8, "big") + data)


def begin(folder: Path, number: int) -> None:
    """Write to the journal of this number from now on."""
    with _lock:
        if _current.descriptor >= 0:
            os.close(_current.descriptor)
        path = folder / f"{_PREFIX}{number}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        _current.folder, _current.number, _current.descriptor = folder, number, os.open(path, flags, 0o600)


def rotate() -> int:
    """Begin the next journal; returns its number."""
    assert _current.folder is not None, "begin comes first"
    begin(_current.folder, _current.number + 1)
    return _current.number


def _numbers(folder: Path) -> list[int]:
    names = (path.name.removeprefix(_PREFIX) for path in folder.glob(f"{_PREFIX}*"))
    return sorted(int(name) for name in names if name.isdecimal())


def drop(folder: Path, before: int) -> None:
    """Remove the journals that a snapshot has overtaken."""
    for number in _numbers(folder):
        if number < before:
            (folder / f"{_PREFIX}{number}").unlink(missing_ok=True)


def replay(folder: Path, first: int) -> int:
    """Put everything back that was written since a snapshot; returns the number of the next journal."""
    numbers = _numbers(folder)
    for number in numbers:
        if number >= first:
            for kind, value in _records(folder / f"{_PREFIX}{number}"):
                _replays[kind](value)
    return max([first, *numbers]) + 1


def _records(path: Path) -> Iterator[tuple[str, Any]]:
    with path.open("rb") as file:
        while len(head := file.read(8)) == 8:
            data = file.read(int.from_bytes(head, "big"))
            if len(data) < int.from_bytes(head, "big"):
                return  # its client never heard of it
            yield pickle.loads(data)
