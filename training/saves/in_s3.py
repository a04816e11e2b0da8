"""Which saves are whole in S3, and so which may leave the disk.

SageMaker deletes in S3 what is deleted on a node, and copies new files at a speed of its own: a disk that keeps the
last three saves leaves none in S3 where three saves are written faster than one is copied. So a save is removed only
when a newer one is known to be whole in S3.
"""

import sys
import threading
import time
from collections.abc import Collection, Sequence
from pathlib import Path

from training.saves.manifest import Save
from training.saves.mirror import Mirror, Unreachable

LOOK_SECONDS = 10.0
"""Between two looks; one costs a request per save that is asked for."""


def to_keep(complete: Sequence[Save], count: int, safe: Save | None, restored: Collection[Save]) -> list[Save]:
    """Of complete saves, the newest first, those that stay: `safe` is the newest that is known to be whole in S3.

    The newest `count`; the safe one, which would be deleted in S3 as well; and the one that is to become the next safe
    one. Others between them may go: that one is enough for S3 to get on, however slowly it is copied. While none is
    known to be safe, any of those that were there at the start may be it.
    """
    newer = [save for save in complete if safe is None or save > safe]
    needed = {safe, *newer[-1:], *(restored if safe is None else [])}
    return [save for number, save in enumerate(complete) if number < count or save in needed]


class InS3:
    """What S3 holds of one node's saves; asked in a thread of its own."""

    def __init__(self, mirror: Mirror, folder: str) -> None:
        """`folder` is the run's, relative to the mirror's."""
        self._mirror, self._folder = mirror, folder
        self._asking: threading.Thread | None = None
        self._asked_at = float("-inf")
        self.held: set[Save] = set()
        """The saves of which S3 has everything that this node has."""
        self.is_blind = False
        """Whether S3 could not be asked the last time."""

    def look(self, saves: Sequence[Save]) -> None:
        """Ask for these, the newest first, until one is there; not if it was asked a moment ago."""
        now = time.monotonic()
        if now - self._asked_at < LOOK_SECONDS or (self._asking is not None and self._asking.is_alive()):
            return
        self._asked_at = now
        # A daemon: whoever must leave within the grace waits for no answer
        self._asking = threading.Thread(target=self._look, args=(sorted(saves, reverse=True),), daemon=True)
        self._asking.start()

    def _look(self, saves: Sequence[Save]) -> None:
        try:
            for save in saves:
                if not self._mirror.lacking(f"{self._folder}/{save.name}"):
                    self.held = {save}
                    break
        except Unreachable as error:
            if not self.is_blind:
                print(
                    f"warning: it is not known which saves are in S3: {error}; twice as many stay on the disk",
                    file=sys.stderr,
                    flush=True,
                )
            self.is_blind = True
        else:
            self.is_blind = False


def place_of(folder: Path | str, run_id: str) -> tuple[Mirror, str] | None:
    """The mirror that holds a run's folder, and the folder's name in it; None where nobody copies it to S3."""
    mirror = Mirror.from_environ()
    if mirror is None or not Path(folder).is_relative_to(mirror.folder):
        return None
    below = str(Path(folder, run_id).relative_to(mirror.folder))
    return mirror, below
