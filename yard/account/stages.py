"""Progress of long work, line by line: a title, what happens, a sign of life when nothing does, and the time."""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

QUIET_SECONDS = 5.0
"""After this long without a line, print that the work goes on."""


class Stage:
    """One stage, which prints its lines. `so_far` adds the progress to a sign of life."""

    def __init__(self, title: str, so_far: Callable[[], str] = str) -> None:
        self._title, self._so_far = title, so_far
        self._over, self._lock = threading.Event(), threading.Lock()

    def __enter__(self) -> Self:
        self._began = self._told = time.monotonic()
        print(f"\n== {self._title}", flush=True)
        self._ticker = threading.Thread(target=self._tick, daemon=True)
        self._ticker.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        self._over.set()
        self._ticker.join()
        if kind is None:
            self.tell(f"{self.seconds:.1f} s")

    @property
    def seconds(self) -> float:
        """How long the stage has taken so far."""
        return time.monotonic() - self._began

    def tell(self, line: str) -> None:
        """Print one line."""
        with self._lock:
            print(f"   {line}", flush=True)
            self._told = time.monotonic()

    def _tick(self) -> None:
        while not self._over.wait(QUIET_SECONDS / 10):
            if time.monotonic() - self._told >= QUIET_SECONDS:
                self.tell(f"... {self.seconds:.0f} s{self._so_far()}")
