"""The one clock of the emulated services: whatever AWS would wait for goes by it, and it may run faster than ours.

At 60x a minute of the services is over in a second. Nothing is skipped: every wait still has its length by this clock,
so what would end first on AWS ends first here. Times in answers are the machine's own: programs in nodes and functions,
clients and browsers look at that one, and nobody could compare two clocks.
"""

import queue
import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from embedded.operations import Params, ServiceError, admin
from embedded.status import add_facts

FASTEST = 1000.0
"""Faster, and waits that differ by a second would end in any order: threads wake no more exactly."""
_LOOK_SECONDS = 0.25
"""How soon a wait for something else than time sees that the rate has changed."""

Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Span:
    """From a change of the rate to the next one."""

    real: float
    """When it began by the machine's monotonic clock."""
    seconds: float
    """When it began by this clock."""
    wall: float
    """When it began by the machine's calendar."""
    calendar: float
    """When it began by this clock's calendar."""
    rate: float


def _first() -> _Span:
    real, wall = time.monotonic(), time.time()
    return _Span(real=real, seconds=real, wall=wall, calendar=wall, rate=1.0)


_spans = [_first()]
_changing = threading.Lock()
_waiting: list[threading.Condition] = []
"""What is told when the rate changes: all who wait reckon again how long that is."""


def rate() -> float:
    """How many seconds of the services go by in one of the machine's."""
    return _spans[-1].rate


def set_rate(new: float) -> None:
    """Let the clock run at another rate from now on; those who wait go on waiting for what is left."""
    with _changing:
        real_now, wall = time.monotonic(), time.time()
        _spans.append(_Span(real=real_now, seconds=_seconds(real_now), wall=wall, calendar=calendar(wall), rate=new))
        told = list(_waiting)
    for condition in told:
        with condition:
            condition.notify_all()


def seconds() -> float:
    """The services' time from some moment on; only differences mean anything."""
    return _seconds(time.monotonic())


def _seconds(real: float) -> float:
    span = _spans[-1]
    return span.seconds + (real - span.real) * span.rate


def calendar(stamp: float | None = None) -> float:
    """The services' calendar, now or at a moment of the machine's: seconds since 1970.

    Both were the same when the cloud started. Schedules and the periods of alarms go by it.
    """
    wall = time.time() if stamp is None else stamp
    index = bisect_right(_spans, wall, key=lambda span: span.wall) - 1
    if index < 0:
        return wall
    span = _spans[index]
    return span.calendar + (wall - span.wall) * span.rate


def real(length: float) -> float:
    """How long so many of the services' seconds last, if the rate stays as it is."""
    return length / rate()


class Event:
    """`threading.Event`, with a `wait` that goes by this clock."""

    def __init__(self) -> None:
        self._condition, self._is_set, self._times = threading.Condition(), False, 0

    def __reduce__(self) -> Any:
        return _event, (self._is_set,)

    def is_set(self) -> bool:
        """Whether it has come."""
        return self._is_set

    def set(self) -> None:
        """Let it come, for all who wait."""
        with self._condition:
            self._is_set = True
            self._times += 1
            self._condition.notify_all()

    def clear(self) -> None:
        """Let it come once more later."""
        self._is_set = False

    def wait(self, timeout: float | None = None, *, at_least: float = 0.0) -> bool:
        """Wait for it, and say whether it came.

        `at_least` are seconds of the machine: what a program of the user needs, which works no faster than ever.
        """
        before = self._times

        def came() -> bool:
            # one that was cleared at once has come too, for those who waited
            return self._is_set or self._times != before

        if timeout is None:
            with self._condition:
                return self._condition.wait_for(came)
        until, earliest = seconds() + timeout, time.monotonic() + at_least
        with self._condition, _told_of_changes(self._condition):
            while not came():
                more = max(real(until - seconds()), earliest - time.monotonic())
                if more <= 0:
                    break
                self._condition.wait(min(more, threading.TIMEOUT_MAX))
            return came()


def _event(is_set: bool) -> Event:
    made = Event()
    made._is_set = is_set
    return made


@contextmanager
def _told_of_changes(condition: threading.Condition) -> Iterator[None]:
    with _changing:
        _waiting.append(condition)
    try:
        yield
    finally:
        with _changing:
            _waiting.remove(condition)


def sleep(length: float) -> None:
    """Wait so many of the services' seconds."""
    Event().wait(length)


def get(source: "queue.Queue[Item]", until: float | None) -> Item:
    """The next thing of a queue; `queue.Empty` if none came by a moment of this clock."""
    if until is None:
        return source.get()
    while True:
        try:
            return source.get(timeout=min(max(0.0, real(until - seconds())), _LOOK_SECONDS))
        except queue.Empty:
            if seconds() >= until:
                raise


def join(thread: threading.Thread, length: float) -> None:
    """Wait for a thread's end, at most so many of the services' seconds."""
    until = seconds() + length
    while thread.is_alive() and (more := until - seconds()) > 0:
        thread.join(min(real(more), _LOOK_SECONDS))


class Timer:
    """Calls a function once, so many of the services' seconds from now."""

    def __init__(self, length: float, function: Callable[..., None], *arguments: Any) -> None:
        self._cancelled = Event()
        self._length, self._function, self._arguments = length, function, arguments
        threading.Thread(target=self._run, name="timer", daemon=True).start()

    def _run(self) -> None:
        if not self._cancelled.wait(self._length):
            self._function(*self._arguments)

    def cancel(self) -> None:
        """Do not call it, if it was not called yet."""
        self._cancelled.set()


@admin("clock")
def _verb(params: Params) -> Mapping[str, Any]:
    """`{rate}`: change how fast the clock runs; without it, only show it."""
    if params.get("rate") is not None:
        set_rate(read(params["rate"]))
    return {"clock": shown(), "calendar": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(calendar()))}


def read(given: Any) -> float:
    """A rate from outside: a number, or one with an x behind it."""
    try:
        number = float(given.removesuffix("x") if isinstance(given, str) else given)
    except (TypeError, ValueError, OverflowError):
        number = 0.0
    if isinstance(given, bool) or not 1.0 <= number <= FASTEST:
        allowed = f"a number from 1 to {FASTEST:.0f}, such as 60x"
        raise ServiceError("ValidationException", f"the clock's rate must be {allowed}, not {given!r}")
    return number


def shown() -> str:
    """The rate as people write it."""
    return f"{rate():g}x"


@add_facts
def _facts() -> Mapping[str, Any]:
    return {"clock": shown()}
