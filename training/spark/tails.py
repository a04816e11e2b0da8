"""Brings what Spark writes into files to where people look: executors' logs to this log, event logs to an output."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

_LOG_SECONDS = 1.0
_EVENTS_SECONDS = 20.0
_IN_PROGRESS = ".inprogress"


class Repeated(threading.Thread):
    """Does something every few seconds, and once more at the end."""

    def __init__(self, what: Callable[[], None], seconds: float) -> None:
        super().__init__(daemon=True)
        self._what, self._seconds = what, seconds
        self._stopping = threading.Event()

    def run(self) -> None:
        """Repeat until `stop`."""
        while not self._stopping.wait(self._seconds):
            self._what()
        self._what()

    def stop(self) -> None:
        """Do it once more, and wait for that."""
        self._stopping.set()
        self.join()


def executor_logs(folder: Path) -> Repeated:
    """Print what executors write, with whose it is."""
    read: dict[Path, int] = {}

    def look() -> None:
        for path in sorted(folder.glob("app-*/*/std*")):
            with path.open(errors="replace") as file:
                file.seek(read.get(path, 0))
                for line in file:
                    print(f"[{path.parent.name} {path.name}] {line.rstrip()}", flush=True)
                read[path] = file.tell()

    return Repeated(look, _LOG_SECONDS)


def event_logs(folder: Path, target: Path) -> Repeated:
    """Copy event logs under the names that they have at last: a history server takes them for finished then."""
    folder.mkdir(parents=True, exist_ok=True)
    target.mkdir(parents=True, exist_ok=True)

    def copy() -> None:
        for path in folder.iterdir():
            name = path.name.removesuffix(_IN_PROGRESS)
            part = target / f".{name}.part"
            try:
                shutil.copyfile(path, part)
            except FileNotFoundError:  # renamed since it was listed: the next look finds it
                continue
            part.replace(target / name)

    return Repeated(copy, _EVENTS_SECONDS)
