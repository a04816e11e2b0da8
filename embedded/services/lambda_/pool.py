"""Warm workers: a function's process is kept for a while after an invocation, as Lambda keeps its own."""

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from embedded.services.lambda_.runner import FunctionSpec, FunctionWorker, Outcome

WARM_SECONDS = 60.0
"""How long an idle worker is kept."""
WARM_MOST = 6
"""How many idle workers are kept in all: each holds some 50 MB once boto3 is imported."""
_PROCESSORS = os.cpu_count() or 1
BUSY_FEW = 2 * _PROCESSORS
"""How many workers of one function may be busy before its next invocation looks whether one comes back."""
PATIENCE_SECONDS = 0.25
"""How long it looks; anew each time that one comes back or has started."""


@dataclass(slots=True)
class _Crowd:
    """The invocations of one spec at the same time."""

    moved: threading.Condition
    busy: int = 0
    """Those that have a worker, or start one."""
    starting: int = 0
    waiting: int = 0
    moved_at: float = 0.0
    """When one began or ended last."""

    def move(self) -> None:
        """Let one of those that wait look again."""
        self.moved_at = time.monotonic()
        self.moved.notify()

    def patience(self, came: float) -> float:
        """For how many seconds who came at this time should wait; 0 to start a worker."""
        if self.busy < BUSY_FEW:
            return 0.0
        if self.starting >= _PROCESSORS:
            return PATIENCE_SECONDS
        return max(0.0, max(came, self.moved_at) + PATIENCE_SECONDS - time.monotonic())


@dataclass(slots=True)
class FunctionPool:
    """The warm workers: one borrows, invokes and gives back."""

    _idle: list[FunctionWorker] = field(default_factory=list)
    _crowds: dict[FunctionSpec, _Crowd] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _reaper: threading.Thread | None = None

    def invoke(self, spec: FunctionSpec, request: Mapping[str, Any]) -> Outcome:
        """Run one request in a warm worker of this spec, or in a new one."""
        worker = self._take(spec)
        try:
            if worker is None:
                worker, outcome = self._start(spec)
                if outcome is not None:
                    return outcome
            return worker.invoke(request)
        finally:
            self._give_back(spec, worker)

    def _take(self, spec: FunctionSpec) -> FunctionWorker | None:
        """A warm worker, or None where another one has to start.

        On Lambda each of a burst of invocations has its own. Here a start costs more processor time than most
        handlers take, and takes it from those that run: while workers come back, the burst shares them.
        """
        with self._lock:
            crowd = self._crowds.setdefault(spec, _Crowd(threading.Condition(self._lock)))
            crowd.waiting += 1
            came = time.monotonic()
            while (worker := self._warm(spec)) is None and (seconds := crowd.patience(came)):
                crowd.moved.wait(seconds)
            crowd.waiting -= 1
            crowd.busy += 1
            crowd.starting += worker is None
        return worker

    def _start(self, spec: FunctionSpec) -> tuple[FunctionWorker, Outcome | None]:
        try:
            worker = FunctionWorker(spec)
            return worker, worker.start_up()
        finally:
            with self._lock:
                crowd = self._crowds[spec]
                crowd.starting -= 1
                crowd.move()

    def _warm(self, spec: FunctionSpec) -> FunctionWorker | None:
        for worker in [one for one in reversed(self._idle) if one.spec == spec]:
            self._idle.remove(worker)
            if worker.alive:
                return worker
            worker.close()
        return None

    def _give_back(self, spec: FunctionSpec, worker: FunctionWorker | None) -> None:
        with self._lock:
            crowd = self._crowds[spec]
            crowd.busy -= 1
            crowd.move()
            if not crowd.busy and not crowd.waiting:
                del self._crowds[spec]
            if worker is None or not worker.alive:
                return
            worker.idle_since = time.monotonic()
            self._idle.append(worker)
            if self._reaper is None:
                self._reaper = threading.Thread(target=self._reap, name="function-reaper", daemon=True)
                self._reaper.start()

    def _reap(self) -> None:
        while True:
            time.sleep(1)
            self.close_idle(older_than_seconds=WARM_SECONDS, keep=WARM_MOST)

    def close_idle(self, *, older_than_seconds: float = 0.0, keep: int = 0) -> None:
        """End idle workers: those idle for too long, and the oldest of those that are too many."""
        oldest_allowed = time.monotonic() - older_than_seconds
        with self._lock:
            fresh = [worker for worker in self._idle if worker.idle_since > oldest_allowed]
            kept = fresh[max(0, len(fresh) - keep) :]
            gone = [worker for worker in self._idle if worker not in kept]
            self._idle = kept
        for worker in gone:
            worker.close()
