"""Compares the ranks of a run: which of them the others wait for in every step."""

import os
import statistics
from collections.abc import Mapping
from time import monotonic
from typing import NamedTuple

from contract.guards import SLOW_RANK_METRIC, SLOW_RANK_STEPS, WARNING
from contract.variables import LAUNCHER, SLOW_RANK
from training.launcher.endings.failure import LaunchRefused
from training.launcher.guards.pace import Pace, Times

LOOK_SECONDS = 2.0
"""How often the ranks are compared."""

_LEAST_SHARE = 0.1
"""What a slow rank costs of a step, at least: twice a millisecond is nothing where a step takes a second."""

_METRIC_SECONDS, _SAY_SECONDS = 60.0, 600.0
"""How often the metric is written while nothing changes, and a rank named that stays slow: a status shows what was said
in the last quarter of an hour."""


def refuse_unfit(strategy: str, environ: Mapping[str, str] = os.environ) -> None:
    """Refuse what this strategy cannot compare, or what is no such comparison, before anything starts."""
    if strategy != "torchrun":
        raise LaunchRefused(f"{SLOW_RANK} compares the ranks of torchrun, and {LAUNCHER} is {strategy!r}")
    Comparison.from_environ(environ)


class Slowest(NamedTuple):
    """The rank that takes longest."""

    rank: str
    host: str
    own: float
    others: float
    """The others' median."""

    whole: float

    @property
    def ratio(self) -> float:
        """How many times as long as the others it takes."""
        return self.own / max(self.others, 1e-6)

    def __str__(self) -> str:
        return (
            f"{self.rank} on {self.host} is {self.ratio:.1f} times as slow as the others: its own part of a step takes "
            f"{_seconds(self.own)}, theirs {_seconds(self.others)} (medians of the last {SLOW_RANK_STEPS} steps of "
            f"{_seconds(self.whole)}; slow_rank)"
        )


def slowest(times: Mapping[str, tuple[str, Times]]) -> Slowest | None:
    """Of all ranks, each with its host; None where there is nothing to compare."""
    if len(times) < 2:
        return None
    rank = max(times, key=lambda name: times[name][1].own)
    host, its = times[rank]
    others = statistics.median(one.own for name, (_, one) in times.items() if name != rank)
    return Slowest(rank=rank, host=host, own=its.own, others=others, whole=its.whole)


class Comparison:
    """What a job wants to know of its ranks, and what has been said of them."""

    def __init__(self, *, stops: bool, ratio: float) -> None:
        self.stops, self.ratio = stops, ratio
        self._paces: dict[str, Pace] = {}
        self._named = ""
        self._metric_at = self._say_at = 0.0

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Comparison | None":
        """Read a job's variable; None where it wants no comparison."""
        given = environ.get(SLOW_RANK)
        if given is None:
            return None
        does, _, ratio = given.partition(":")
        try:
            number = float(ratio)
        except ValueError:
            number = 0.0
        if does not in ("warn", "stop") or not 1 < number < float("inf"):
            raise LaunchRefused(f"{SLOW_RANK} must be warn or stop, a colon and a number above 1, not {given!r}")
        return cls(stops=does == "stop", ratio=number)

    def restart(self) -> None:
        """Ranks are started: what the former ones took counts no more."""
        self._paces = {}

    def pace(self, rank: str) -> Pace:
        """Where a rank that is about to be forked writes its times."""
        return self._paces.setdefault(rank, Pace())

    def times(self) -> dict[str, Times] | None:
        """This node's ranks; None as long as one of them has done too few steps."""
        found = {rank: pace.times() for rank, pace in self._paces.items()}
        known = {rank: times for rank, times in found.items() if times is not None}
        return known if len(known) == len(found) else None

    def overdue(self, times: Mapping[str, tuple[str, Times]]) -> str:
        """Why the run is to be ended, by the times of all ranks; empty while it is not."""
        found = slowest(times)
        if found is None or not self._is_slow(found):
            return ""
        return str(found) if self.stops else ""

    def tell(self, times: Mapping[str, tuple[str, Times]]) -> list[str]:
        """The lines that the log should have now, for one node to write."""
        found = slowest(times)
        if found is None:
            return []
        lines = []
        slow = found.rank if self._is_slow(found) else ""
        if slow and (slow != self._named or monotonic() >= self._say_at):
            self._say_at = monotonic() + _SAY_SECONDS
            lines.append(f"{WARNING}{found}; the others wait for it")
        elif self._named and not slow:
            lines.append(f"{WARNING}{self._named} is as fast as the others again")
        if lines or monotonic() >= self._metric_at:
            lines.append(f"metric {SLOW_RANK_METRIC}={found.ratio:.4g}")
            self._metric_at = monotonic() + _METRIC_SECONDS
        self._named = slow
        return lines

    def _is_slow(self, found: Slowest) -> bool:
        return found.ratio >= self.ratio and found.own - found.others >= _LEAST_SHARE * found.whole


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 0.1 else f"{value * 1000:.2g} ms"
