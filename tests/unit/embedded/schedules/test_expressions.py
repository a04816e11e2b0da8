"""When schedules are due: EventBridge's rate, cron and at."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from embedded.schedules.expressions import ScheduleError, read

BERLIN = ZoneInfo("Europe/Berlin")


def following(text: str, after: str, times: int = 1, zone: ZoneInfo | None = None) -> list[str]:
    """The next moments of an expression, as its time zone writes them."""
    where = UTC if zone is None else zone
    expression, moment = read(text, where), datetime.fromisoformat(after).replace(tzinfo=where).timestamp()
    found = []
    for _ in range(times):
        due = expression.next_after(moment)
        if due is None:
            break
        found.append(datetime.fromtimestamp(due, where).strftime("%Y-%m-%d %H:%M"))
        moment = due
    return found


@pytest.mark.parametrize(
    ("text", "after", "expected"),
    [
        ("rate(5 minutes)", "2026-01-01T10:00", ["2026-01-01 10:05", "2026-01-01 10:10"]),
        ("rate(1 day)", "2026-01-01T10:00", ["2026-01-02 10:00", "2026-01-03 10:00"]),
        # the examples of EventBridge's user guide
        ("cron(0 10 * * ? *)", "2026-01-01T10:00", ["2026-01-02 10:00", "2026-01-03 10:00"]),
        ("cron(0 18 ? * MON-FRI *)", "2026-01-02T18:00", ["2026-01-05 18:00", "2026-01-06 18:00"]),
        ("cron(0/15 * * * ? *)", "2026-01-01T10:20", ["2026-01-01 10:30", "2026-01-01 10:45"]),
        ("cron(0/5 8-17 ? * MON-FRI *)", "2026-01-02T17:50", ["2026-01-02 17:55", "2026-01-05 08:00"]),
        ("cron(0 9 ? * 2#1 *)", "2026-01-01T00:00", ["2026-01-05 09:00", "2026-02-02 09:00"]),
        ("cron(0/30 20-2 ? * MON-FRI *)", "2026-01-02T23:40", ["2026-01-05 00:00", "2026-01-05 00:30"]),
        ("cron(0 8 1 * ? *)", "2026-01-15T00:00", ["2026-02-01 08:00", "2026-03-01 08:00"]),
        ("cron(0 8 L * ? *)", "2026-02-01T00:00", ["2026-02-28 08:00", "2026-03-31 08:00"]),
        ("cron(0 8 ? * 6L *)", "2026-01-01T00:00", ["2026-01-30 08:00", "2026-02-27 08:00"]),
        ("cron(0 8 3W * ? *)", "2026-01-01T00:00", ["2026-01-02 08:00", "2026-02-03 08:00"]),
        ("cron(0 0 29 2 ? *)", "2026-01-01T00:00", ["2028-02-29 00:00", "2032-02-29 00:00"]),
        ("cron(0 0 1 1 ? 2027)", "2026-01-01T00:00", ["2027-01-01 00:00"]),
        ("at(2026-03-01T08:30:00)", "2026-01-01T00:00", ["2026-03-01 08:30"]),
    ],
)
def test_the_next_moments(text: str, after: str, expected: list[str]) -> None:
    assert following(text, after, times=2) == expected


def test_a_time_zone_and_its_summer_time() -> None:
    spring = following("cron(30 2 * * ? *)", "2026-03-28T00:00", times=2, zone=BERLIN)
    assert spring == ["2026-03-28 02:30", "2026-03-30 02:30"], "half past two did not exist on the 29th"
    autumn = following("cron(0 9 * * ? *)", "2026-10-24T10:00", times=1, zone=BERLIN)
    assert autumn == ["2026-10-25 09:00"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rate(5 minute)", "more take minutes"),
        ("rate(1 minutes)", "1 takes minute"),
        ("rate(0 minutes)", "more take minutes"),
        ("rate(5 weeks)", "a rate is a number and"),
        ("every day", "none of rate(...), cron(...) and at(...)"),
        ("cron(0 10 * * *)", "six fields are needed, and there are 5"),
        ("cron(0 10 * * * *)", "one of day of month and day of week must be ?"),
        ("cron(0 10 ? * ? *)", "one of day of month and day of week must be ?"),
        ("cron(60 10 * * ? *)", "'60' in a cron expression is none of 0 to 59"),
        ("cron(0 10 32 * ? *)", "'32' in a cron expression is none of 1 to 31"),
        ("cron(0 10 ? * NOD *)", "'NOD' in a cron expression is none of 1 to 7"),
        ("at(2026-02-30T00:00:00)", "a time is written as"),
    ],
)
def test_what_is_no_schedule(text: str, says: str) -> None:
    with pytest.raises(ScheduleError, match=re.escape(says)):
        read(text)
