"""`rate(...)`, `cron(...)` and `at(...)`: read, and asked for the next moment."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from embedded.schedules.cron import Cron, CronError

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)(s?)\)")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
_AT = "%Y-%m-%dT%H:%M:%S"


class ScheduleError(ValueError):
    """An expression that is none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Expression:
    """A schedule that was understood."""

    next_after: Callable[[float], float | None]
    """The first moment after one, both in seconds since 1970; None if there is none any more."""
    is_rate: bool = False
    """Whether its moments are counted from the first, and stand in no calendar."""
    once: bool = False
    """Whether it has one moment in all."""


def read(text: str, zone: tzinfo = UTC) -> Expression:
    """Understand an expression; cron's and at's times are those of a time zone."""
    if text.startswith("rate("):
        return _rate(text)
    if text.startswith("cron(") and text.endswith(")"):
        try:
            cron = Cron.read(text[len("cron(") : -1])
        except CronError as error:
            raise ScheduleError(str(error)) from error
        return Expression(next_after=lambda moment: cron.next_after(moment, zone))
    if text.startswith("at(") and text.endswith(")"):
        return _at(text, zone)
    raise ScheduleError(f"{text!r} is none of rate(...), cron(...) and at(...)")


def _rate(text: str) -> Expression:
    found = _RATE.fullmatch(text)
    if found is None:
        raise ScheduleError(f"{text!r}: a rate is a number and minute, minutes, hour, hours, day or days")
    number = int(found[1])
    # EventBridge refuses rate(1 hours) and rate(5 hour)
    if number < 1 or (number == 1) is bool(found[3]):
        raise ScheduleError(f"{text!r}: 1 takes {found[2]}, more take {found[2]}s")
    length = timedelta(seconds=number * _SECONDS[found[2]]).total_seconds()
    return Expression(next_after=lambda moment: moment + length, is_rate=True)


def _at(text: str, zone: tzinfo) -> Expression:
    try:
        moment = datetime.strptime(text[len("at(") : -1], _AT).replace(tzinfo=zone).timestamp()
    except ValueError as error:
        raise ScheduleError(f"{text!r}: a time is written as at(2030-01-31T08:30:00)") from error
    return Expression(next_after=lambda after: moment if moment > after else None, once=True)
