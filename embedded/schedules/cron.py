"""EventBridge's cron: minutes, hours, day of month, month, day of week, year, with its own L, W and #."""

import calendar
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo

_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
_FIRST_YEAR, _LAST_YEAR = 1970, 2199
_LAST, _NEAREST, _NTH = "L", "W", "#"


class CronError(ValueError):
    """Fields that EventBridge does not take."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cron:
    """Six fields, understood."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: str
    months: frozenset[int]
    weekdays: str
    years: frozenset[int]

    @classmethod
    def read(cls, text: str) -> "Cron":
        """Understand the text between the brackets."""
        fields = text.upper().split()
        if len(fields) != 6:
            raise CronError(f"cron({text}): six fields are needed, and there are {len(fields)}")
        minutes, hours, days, months, weekdays, years = fields
        if (days == "?") is (weekdays == "?"):
            raise CronError(f"cron({text}): one of day of month and day of week must be ?, and not both")
        made = cls(
            minutes=_numbers(minutes, 0, 59),
            hours=_numbers(hours, 0, 23),
            days=days,
            months=_numbers(months, 1, 12, _MONTHS),
            weekdays=weekdays,
            years=_numbers(years, _FIRST_YEAR, _LAST_YEAR),
        )
        made._days_of(2024, 1)  # says what is wrong with the days
        return made

    def next_after(self, moment: float, zone: tzinfo) -> float | None:
        """The first moment of this schedule after another; None if it has none any more."""
        start = datetime.fromtimestamp(moment, zone)
        for year in sorted(year for year in self.years if year >= start.year):
            for month in sorted(self.months):
                if (year, month) < (start.year, start.month):
                    continue
                for day in sorted(self._days_of(year, month)):
                    if date(year, month, day) < start.date():
                        continue
                    found = self._on(date(year, month, day), moment, zone)
                    if found is not None:
                        return found
        return None

    def _on(self, day: date, moment: float, zone: tzinfo) -> float | None:
        for hour in sorted(self.hours):
            for minute in sorted(self.minutes):
                local = datetime.combine(day, time(hour, minute), zone)
                # an hour that a change to summer time leaves out is no time of that day
                exists = datetime.fromtimestamp(local.timestamp(), zone).replace(tzinfo=None) == local.replace(
                    tzinfo=None
                )
                if exists and local.timestamp() > moment:
                    return local.timestamp()
        return None

    def _days_of(self, year: int, month: int) -> set[int]:
        length = calendar.monthrange(year, month)[1]
        if self.weekdays == "?":
            return _days_of_month(self.days, year, month, length)
        return _days_of_week(self.weekdays, year, month, length)


def _days_of_month(field: str, year: int, month: int, length: int) -> set[int]:
    if field == _LAST:
        return {length}
    if field == f"{_LAST}{_NEAREST}":
        return {_nearest_workday(year, month, length, length)}
    if field.endswith(_NEAREST):
        day = _number(field[: -len(_NEAREST)], 1, 31)
        return {_nearest_workday(year, month, day, length)} if day <= length else set()
    return {day for day in _numbers(field, 1, 31) if day <= length}


def _nearest_workday(year: int, month: int, day: int, length: int) -> int:
    weekday = date(year, month, day).weekday()
    if weekday == calendar.SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == calendar.SUNDAY:
        return day + 1 if day < length else day - 2
    return day


def _days_of_week(field: str, year: int, month: int, length: int) -> set[int]:
    every = [(day, date(year, month, day).isoweekday() % 7 + 1) for day in range(1, length + 1)]
    if _NTH in field:
        name, _, nth = field.partition(_NTH)
        wanted, index = _number(name, 1, 7, _DAYS), _number(nth, 1, 5)
        return {day for day, weekday in every if weekday == wanted and (day - 1) // 7 + 1 == index}
    if field.endswith(_LAST):
        wanted = _number(field[: -len(_LAST)], 1, 7, _DAYS) if field != _LAST else 7
        return {max(day for day, weekday in every if weekday == wanted)}
    wanted_days = _numbers(field, 1, 7, _DAYS)
    return {day for day, weekday in every if weekday in wanted_days}


def _numbers(field: str, first: int, last: int, names: dict[str, int] | None = None) -> frozenset[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, slash, step_text = part.partition("/")
        step = _number(step_text, 1, last) if slash else 1
        if span == "*":
            low, high = first, last
        elif "-" in span:
            low_text, _, high_text = span.partition("-")
            low, high = _number(low_text, first, last, names), _number(high_text, first, last, names)
        else:
            low = _number(span, first, last, names)
            high = last if slash else low
        if low > high:
            # Friday to Monday, or 22 to 3 o'clock
            found.update(range(low, last + 1, step), range(first, high + 1, step))
        else:
            found.update(range(low, high + 1, step))
    return frozenset(found)


def _number(text: str, first: int, last: int, names: dict[str, int] | None = None) -> int:
    value = (names or {}).get(text)
    if value is None and text.isdecimal():
        value = int(text)
    if value is None or not first <= value <= last:
        raise CronError(f"{text!r} in a cron expression is none of {first} to {last}")
    return value
