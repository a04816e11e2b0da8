"""Time series as DeepAR reads them: a JSON object on each line, with a start, a target, categories and features."""

import gzip
import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from training.builtin.job import Job, Matrix, UserError

_READ = ("auto", "json", "json.gz", "application/jsonlines")
_SPANS = {"min": timedelta(minutes=1), "H": timedelta(hours=1), "D": timedelta(days=1), "W": timedelta(weeks=1)}
_FREQUENCY = re.compile(r"(\d*)(min|H|D|W|M)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """One series, its values at equal steps."""

    target: Matrix
    """NaN where a value is missing."""
    calendar: Matrix
    """Of each step: hour, day of the week, day of the month and month, each from -0.5 to 0.5."""
    categories: tuple[int, ...]
    features: Matrix
    """What is known of each step besides, a row for each feature."""


def read_series(job: Job, channel: str) -> list[Series]:
    """All series of a channel, which must all have the same categories and features."""
    kind = job.kind(channel, "auto")
    if kind not in _READ:
        raise UserError(f"the channel {channel} has the content type {kind!r}; the stand-in reads {', '.join(_READ)}")
    frequency = frequency_of(job.text("time_freq"))
    found: list[Series] = []
    for path in (path for path in job.files(channel) if not path.name.startswith(".") and path.name != "_SUCCESS"):
        for number, line in enumerate(_lines(path), start=1):
            try:
                found.append(series_of(json.loads(line), frequency))
            except ValueError as error:
                raise UserError(f"line {number} of {path.name} is no series: {error}") from error
    if not found:
        raise UserError(f"the channel {channel} holds no series")
    shapes = {(len(one.categories), len(one.features)) for one in found}
    if len(shapes) > 1:
        raise UserError(f"the series of the channel {channel} differ in how many cat or dynamic_feat they have")
    return found


def _lines(path: Path) -> Iterator[str]:
    if path.suffix == ".parquet":
        raise UserError(f"{path.name} is Parquet, which the stand-in does not read; write JSON Lines")
    data = path.read_bytes()
    text = gzip.decompress(data) if path.suffix == ".gz" else data
    return (line for line in text.decode().splitlines() if line.strip())


def frequency_of(text: str) -> tuple[int, str]:
    """How far two steps of a series are apart."""
    match = _FREQUENCY.fullmatch(text)
    if match is None:
        raise UserError(f"the hyperparameter time_freq is {text!r}; it can be a number before M, W, D, H or min")
    return int(match[1] or 1), match[2]


def series_of(raw: Any, frequency: tuple[int, str], *, ahead: int = 0) -> Series:
    """One series, and what is known of so many steps after its end; ValueError says what is wrong with it."""
    if not isinstance(raw, dict) or not isinstance(raw.get("target"), list) or not isinstance(raw.get("start"), str):
        raise ValueError("it has no start, a text, with a target, a list")
    try:
        target = np.array([math.nan if value in (None, "NaN") else float(value) for value in raw["target"]])
        given = raw.get("cat", [])
        categories = tuple(int(one) for one in (given if isinstance(given, list) else [given]))
        features = _features(raw.get("dynamic_feat", []), len(target), ahead)
        moments = list(_moments(datetime.fromisoformat(raw["start"]), frequency, len(target) + ahead))
    except (OverflowError, TypeError) as error:
        raise ValueError(str(error)) from error
    if moments and moments[0].tzinfo is not None:
        raise ValueError(f"start is {raw['start']!r}, and may have no time zone")
    return Series(
        target=target,
        calendar=np.array([_calendar(moment) for moment in moments]),
        categories=categories,
        features=features,
    )


def _features(given: list[list[float]], steps: int, ahead: int) -> Matrix:
    for one in given:
        if len(one) != steps + ahead:
            also = f"; it needs {steps + ahead}, as {ahead} steps are forecast" if ahead else ""
            raise ValueError(f"target has {steps} values, and dynamic_feat {len(one)}{also}")
    return np.array(given, dtype=float).reshape(len(given), steps + ahead)


def _moments(start: datetime, frequency: tuple[int, str], count: int) -> Iterator[datetime]:
    times, unit = frequency
    for step in range(count):
        if unit == "M":
            years, month = divmod(start.month - 1 + times * step, 12)
            yield start.replace(year=start.year + years, month=month + 1, day=1)
        else:
            yield start + times * step * _SPANS[unit]


def _calendar(moment: datetime) -> Sequence[float]:
    return (
        moment.hour / 23 - 0.5,
        moment.weekday() / 6 - 0.5,
        (moment.day - 1) / 30 - 0.5,
        (moment.month - 1) / 11 - 0.5,
    )
