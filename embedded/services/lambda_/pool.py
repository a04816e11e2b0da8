"""Warm workers: a function's process is kept for a while after an invocation, as Lambda keeps its own."""

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


@dataclass(slots=True)
class FunctionPool:
    """The warm workers: one borrows, invokes and gives back."""

    _idle: list[FunctionWorker] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _reaper: threading.Thread | None = None

    def invoke(self, spec: FunctionSpec, request: Mapping[str, Any]) -> Outcome:
        """Run one request in a warm worker of this spec, or in a new one."""
        worker = self._take(spec)
        if worker is None:
            worker = FunctionWorker(spec)
            outcome = worker.start_up()
            if outcome is not None:
                return outcome
        outcome = worker.invoke(request)
        self._give_back(worker)
        return outcome

    def _take(self, spec: FunctionSpec) -> FunctionWorker | None:
        with self._lock:
            for worker in reversed(self._idle):
                if worker.spec == spec:
                    self._idle.remove(worker)
                    if worker.alive:
                        return worker
                    worker.close()
                    break
        return None

    def _give_back(self, worker: FunctionWorker) -> None:
        if not worker.alive:
            return
        worker.idle_since = time.monotonic()
        with self._lock:
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
