"""Counts and times since the last line of metrics."""

import json
from collections import Counter
from collections.abc import Sequence

_MOST_KEPT = 20_000


class Metrics:
    """What the front has seen; `line` tells it and begins anew."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self.retries = 0
        self.restarts = 0
        self._by_class: Counter[str] = Counter()
        self._seconds: list[float] = []
        self._waited: list[float] = []

    def count(self, status: int, *, seconds: float, waited: float) -> None:
        """One answered request: how long it took in all, and how long until a worker had it."""
        self._by_class[f"{status // 100}xx"] += 1
        if len(self._seconds) < _MOST_KEPT:
            self._seconds.append(seconds)
            self._waited.append(waited)

    def line(self, *, queue: int, workers: int, models: int) -> str | None:
        """One line of JSON, or nothing where nothing happened."""
        total = self._by_class.total()
        if total == 0 and self.restarts == 0:
            return None
        figures = {
            "requests": total,
            **dict(sorted(self._by_class.items())),
            "p50_ms": percentile(self._seconds, 50),
            "p99_ms": percentile(self._seconds, 99),
            "queue_p99_ms": percentile(self._waited, 99),
            "retries": self.retries,
            "restarts": self.restarts,
            "waiting": queue,
            "workers": workers,
            "models": models,
        }
        self._begin()
        return json.dumps({"serving": figures})


def percentile(seconds: Sequence[float], share: float) -> float | None:
    """By the nearest rank, in ms; None of nothing."""
    if not seconds:
        return None
    ordered = sorted(seconds)
    rank = max(0, -(-len(ordered) * share // 100) - 1)
    return round(1000 * ordered[int(rank)], 3)
