"""The thread that writes checkpoints while training goes on."""

import contextlib
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from training.data.errors import first_line
from training.saves.manifest import Manifest, Save, rank_folder
from training.saves.store import CheckpointStore

RETRY_SECONDS = 10.0
"""After a failed save (a full disk, say) another one is tried this much later, not at every step."""


class Writer:
    """Writes one save at a time, and remembers how each ended."""

    def __init__(self, store: CheckpointStore, rank: int) -> None:
        self._store, self._rank = store, rank
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="checkpoint")
        self._current: Future[None] | None = None
        self._failed_at: float | None = None
        self.problem: str | None = None
        """What went wrong with the newest save, if anything did."""
        self.durable: set[Save] = set()
        """The saves that this rank has finished."""

    def wait(self) -> None:
        """Until nothing is being written."""
        if self._current is not None:
            self._current.result()
            self._current = None

    def start(self, save: Save, fill: Callable[[str], Manifest]) -> None:
        """Let `fill` write into a new folder, in the background; `wait` must have been called."""
        self._failed_at = None
        self._current = self._thread.submit(self._write, save, fill)

    def _write(self, save: Save, fill: Callable[[str], Manifest]) -> None:
        folder = None
        try:
            folder = self._store.begin(save, self._rank)
            self._store.finish(folder, fill(folder))
        except Exception as error:  # it must not end the training that it is there to protect
            self._clean_up(folder)
            self.problem = f"rank {self._rank}: save at step {save.step} failed: {first_line(error)}"
            self._failed_at = time.monotonic()
            print(f"warning: {self.problem}; training goes on, older saves are kept", file=sys.stderr, flush=True)
        else:
            self.problem = None
            self.durable.add(save)

    def give_up(self, save: Save) -> None:
        """Remove what this rank has written of a save."""
        if save in self.durable:
            self.tidy(lambda: self._store.abandon(f"{save.name}/{rank_folder(self._rank)}"))

    def tidy(self, work: Callable[[], None]) -> None:
        """Do this behind what is being written: in S3 it takes requests, and no step is to wait for them."""
        self._thread.submit(self._tidy, work)

    def _tidy(self, work: Callable[[], None]) -> None:
        try:
            work()
        except OSError as error:
            print(f"warning: rank {self._rank}: {error}; the saves themselves are sound", file=sys.stderr, flush=True)

    def _clean_up(self, folder: str | None) -> None:
        """Remove what was begun; where even that fails, it has no manifest and so does not count."""
        if folder is not None:
            with contextlib.suppress(OSError):
                self._store.abandon(folder)

    def wants_retry(self) -> bool:
        """Whether a save failed long enough ago."""
        return self._failed_at is not None and time.monotonic() - self._failed_at > RETRY_SECONDS

    def close(self) -> None:
        """Finish what is being written and end the thread."""
        self._thread.shutdown(wait=True)
