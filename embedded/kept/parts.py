"""Where the cloud's own parts say what of them is kept; moto's backends are kept without being named."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One thing that is kept."""

    get: Callable[[], Any]
    put: Callable[[Any], None]


_parts: dict[str, Part] = {}
_afterwards: list[Callable[[], None]] = []


def keep(name: str, get: Callable[[], Any], put: Callable[[Any], None]) -> None:
    """Keep what `get` returns; after a start, `put` gets it back."""
    _parts[name] = Part(get=get, put=put)


def keep_contents(name: str, container: Any) -> None:
    """Keep what is in a dict or a list, which stays the same object."""

    def put(found: Any) -> None:
        container.clear()
        (container.update if isinstance(container, dict) else container.extend)(found)

    keep(name, lambda: container, put)


def afterwards(function: Callable[[], None]) -> Callable[[], None]:
    """Have this called when all is back: what ran when the cloud ended runs no more, and has to say so."""
    _afterwards.append(function)
    return function


def values() -> dict[str, Any]:
    """What is to be kept now, by its name."""
    return {name: part.get() for name, part in _parts.items()}


def restore(found: dict[str, Any]) -> None:
    """Give everything back to its part."""
    for name, value in found.items():
        _parts[name].put(value)
    for function in _afterwards:
        function()


@dataclass(kw_only=True, slots=True)
class _Changes:
    """What has happened since the last snapshot."""

    first: float | None = None
    last: float = 0.0


_changes = _Changes()
_changed = threading.Condition()
_unneeded: list[Path] | None = None
_save: Callable[[], object] | None = None
_before: list[Callable[[], None]] = []


def touch() -> None:
    """Say that something has changed."""
    with _changed:
        _changes.last = time.monotonic()
        if _changes.first is None:
            _changes.first = _changes.last
            _changed.notify_all()


def wait_for_quiet(seconds: float, *, at_most: float) -> None:
    """Wait for a change, and then until nothing has changed for so long; a cloud that is never quiet waits no longer
    than `at_most` after the change."""
    with _changed:
        while _changes.first is None:
            _changed.wait()
        first = _changes.first
        while (now := time.monotonic()) < min(_changes.last + seconds, first + at_most):
            _changed.wait(min(_changes.last + seconds, first + at_most) - now)
        _changes.first = None


def remove(path: Path) -> None:
    """Remove a file that nothing refers to any more: at once, or with the next snapshot, if the last one needs it."""
    if _unneeded is None:
        path.unlink(missing_ok=True)
    else:
        _unneeded.append(path)
        touch()


def begin(save: Callable[[], object]) -> None:
    """From now on snapshots are taken; `save` takes one at once."""
    global _unneeded, _save
    _unneeded, _save = [], save


def snapshot_now() -> None:
    """Take a snapshot before going on, where any are taken."""
    if _save is not None:
        _save()


def before_snapshot(function: Callable[[], None]) -> Callable[[], None]:
    """Have this called before each snapshot: what is there then is in it."""
    _before.append(function)
    return function


def prepare() -> None:
    """Tell everybody that a snapshot is about to be taken."""
    for function in _before:
        function()


def unneeded() -> list[Path]:
    """The files that no snapshot from now on will refer to."""
    global _unneeded
    found, _unneeded = _unneeded, []
    return [] if found is None else found
