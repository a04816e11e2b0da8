"""Who serves a folder: a lock that goes with its process, however that ends. Standard library only."""

import fcntl
import os
import time
from pathlib import Path
from typing import Any

_FILE = "held"
_TRIES = 20


def hold(folder: Path) -> None:
    """Hold the folder for the life of this process: others see that it lives, even where it does not answer."""
    held = (folder / _FILE).open("a+")
    for left in reversed(range(_TRIES)):
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            # somebody may just be looking whether there is a holder
            if left == 0:
                raise SystemExit(f"another process serves {folder}") from None
            time.sleep(0.05)
    held.truncate(0)
    held.write(str(os.getpid()))
    held.flush()
    _holds.append(held)


_holds: list[Any] = []


def holder(folder: Path) -> int | None:
    """The process that serves the folder, whether it answers or not."""
    try:
        with (folder.absolute() / _FILE).open() as held:
            try:
                fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(held.read())
    except (OSError, ValueError):
        pass
    return None
