"""Takes snapshots in quiet moments and at the end, and reads the last one at the start."""

import logging
import os
import pickle
import sys
import threading
import time
from pathlib import Path
from typing import Any

from moto.core.base_backend import BackendDict

from embedded import status
from embedded.kept import journal, parts, pickles
from embedded.process import snapshot

_QUIET_SECONDS = 1.0
_LONGEST_SECONDS = 10.0
_SHARE = 20
"""A snapshot stops the cloud for a moment: at most one part in so many of its time."""
_TRIES = 5

log = logging.getLogger(__name__)


class Keeper:
    """Keeps one cloud in its folder."""

    def __init__(self, folder: Path) -> None:
        self._file, self._code = folder / snapshot.FILE, snapshot.code()
        self._lock = threading.Lock()
        self._kept: str | None = None
        self._journal = 0

    def restore(self) -> bool:
        """Bring back what the last snapshot holds; False where there is none."""
        kept = snapshot.read(self._file.parent)
        if kept is None:
            # without a snapshot there is nothing that a journal could belong to
            journal.drop(self._file.parent, sys.maxsize)
            return False
        self._kept = kept.time
        with self._file.open("rb") as file:
            file.readline()
            found = pickle.load(file)
        for module, name, account, region, backend in found["moto"]:
            dict.__setitem__(pickles.backends(module, name)[account], region, backend)
        self._journal = journal.replay(self._file.parent, found["journal"])
        parts.restore(found["parts"])
        return True

    def start(self) -> None:
        """From now on, take snapshots."""
        parts.begin(self.save)
        journal.begin(self._file.parent, self._journal)
        if self._kept is not None:
            # what the journals held is in no snapshot yet, and they were written for the last one
            self.save()
        status.add_facts(lambda: {"kept": self._kept})
        threading.Thread(target=self._run, name="keeper", daemon=True).start()

    def save(self) -> float:
        """Take a snapshot; returns the seconds that the cloud stood still."""
        with self._lock:
            unneeded = parts.unneeded()
            parts.prepare()
            number = journal.rotate()
            began = time.monotonic()
            data = self._take(number)
            took = time.monotonic() - began
            new = self._file.with_name(f"{snapshot.FILE}.new")
            new.unlink(missing_ok=True)
            first = snapshot.Header(code=self._code, time=time.strftime("%Y-%m-%d %H:%M:%S"))
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(first.line())
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._file)
            journal.drop(self._file.parent, number)
            self._kept = first.time
            for path in unneeded:
                path.unlink(missing_ok=True)
            return took

    def _take(self, number: int) -> memoryview:
        for left in reversed(range(_TRIES)):
            try:
                return pickles.dumps({**_everything(), "journal": number})
            except RuntimeError:
                # a thread changed a dict where the pickler had let it run
                if left == 0:
                    raise
                time.sleep(0.05)
        raise AssertionError("the last try returns or raises")

    def _run(self) -> None:
        while True:
            parts.wait_for_quiet(_QUIET_SECONDS, at_most=_LONGEST_SECONDS)
            try:
                took = self.save()
            except Exception:
                log.exception("the state could not be kept; what was kept before is still there")
                took = _QUIET_SECONDS
            time.sleep(took * _SHARE)


def _everything() -> dict[str, Any]:
    places = pickles.places()
    moto = [
        (*places[id(one)], account, region, backend)
        for one in BackendDict._instances
        for account, by_region in list(one.items())
        for region, backend in list(by_region.items())
    ]
    return {"moto": moto, "parts": parts.values()}
