"""Calls what is due by the cloud's clock, in the order in which it is due."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from embedded import clock
from embedded.schedules.expressions import Expression

_LOOK_SECONDS = 0.2
_AWAY_SECONDS = 30.0
"""A look that comes so much later than it should was kept from it by a machine that slept: a service would not have
slept, and nobody wants all its calls at once."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scheduled:
    """Something to call again and again."""

    key: str
    """What it is: an ARN."""
    text: str
    """Changes when it is to begin anew: the expression and whatever else decides when it is due."""
    expression: Expression
    at_once: bool = False
    """Whether a rate begins with a call, and not with a wait."""
    start: float | None = None
    """Not before, in seconds since 1970."""
    end: float | None = None
    """Not after."""
    call: Callable[[float], None]
    """Called with the moment at which it was due."""
    over: Callable[[], None] = lambda: None
    """Called once when it will never be due again."""


@dataclass(kw_only=True, slots=True)
class _Due:
    text: str
    moment: float | None


class Watch:
    """Looks again and again at what there is."""

    def __init__(self, name: str, scheduled: Callable[[], Iterable[Scheduled]]) -> None:
        self._name, self._scheduled = name, scheduled
        self._due: dict[str, _Due] = {}

    def start(self) -> None:
        """Look from now on."""
        threading.Thread(target=self._run, name=self._name, daemon=True).start()

    def _run(self) -> None:
        last = time.monotonic()
        while True:
            time.sleep(_LOOK_SECONDS)
            if time.monotonic() - last > _AWAY_SECONDS:
                self._due.clear()
            last = time.monotonic()
            try:
                self.look(clock.calendar())
            except Exception:
                log.exception("%s: a look at what is due failed", self._name)

    def look(self, now: float) -> None:
        """Call everything that has become due, what was due first before the rest."""
        there = {item.key: item for item in self._scheduled()}
        for gone in self._due.keys() - there.keys():
            del self._due[gone]
        for item in there.values():
            known = self._due.get(item.key)
            if known is None or known.text != item.text:
                self._due[item.key] = _Due(text=item.text, moment=_first(item, now))
        while True:
            due = [(found.moment, key) for key, found in self._due.items() if found.moment is not None]
            moment, key = min(due, default=(now + 1.0, ""))
            if moment > now:
                return
            self._call(there[key], moment)

    def _call(self, item: Scheduled, moment: float) -> None:
        try:
            item.call(moment)
        except Exception:
            log.exception("%s: %s could not be called", self._name, item.key)
        following = item.expression.next_after(moment)
        if following is not None and item.end is not None and following > item.end:
            following = None
        self._due[item.key].moment = following
        if following is None:
            item.over()


def _first(item: Scheduled, now: float) -> float | None:
    begin = now if item.start is None else max(now, item.start)
    if item.expression.is_rate and (item.at_once or item.start is not None):
        first: float | None = begin
    elif item.expression.once:
        # a time of the machine's calendar, which is behind this clock's once that has run faster
        found = item.expression.next_after(0.0)
        first = None if found is None else now + (found - time.time())
    else:
        first = item.expression.next_after(begin)
    return None if first is None or (item.end is not None and first > item.end) else first
