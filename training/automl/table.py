"""A table from a CSV file, and what its columns hold: found by looking at all of their values."""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

Kind = Literal["number", "category", "date", "identifier", "constant", "text"]
Problem = Literal["classification", "regression"]

_MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})
_DATES = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%d.%m.%Y", "%m/%d/%Y")
_MOST_CATEGORIES = 100
_FEW_WHOLE = 20
"""A target of so many different whole numbers at most is a class, not a quantity."""
_LEAST_ROWS = 20


class TableError(Exception):
    """The table cannot be used; the message says what to change."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """One column."""

    name: str
    kind: Kind
    values: tuple[str | None, ...]
    """As they are written; None where one is missing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """The columns to learn from, and the one to predict."""

    columns: tuple[Column, ...]
    target: Column
    problem: Problem
    dropped: int
    """Rows that were left out because they lack the target."""

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.target.values)

    def kinds(self) -> Mapping[str, Kind]:
        """What each column holds."""
        return {column.name: column.kind for column in self.columns}


def read_table(paths: Sequence[Path], target: str, problem: Problem | None = None) -> Table:
    """Read one or several CSV files with the same header; `problem` overrules what the target looks like."""
    header, rows = _read(paths)
    if target not in header:
        raise TableError(f"there is no column {target!r}; the columns are {', '.join(header)}")
    place = header.index(target)
    kept = [row for row in rows if row[place] is not None]
    if len(kept) < _LEAST_ROWS:
        raise TableError(f"column {target!r} has a value in {len(kept)} rows; it needs at least {_LEAST_ROWS}")
    columns = [
        Column(name=name, kind=kind_of([row[index] for row in kept]), values=tuple(row[index] for row in kept))
        for index, name in enumerate(header)
    ]
    wanted = columns.pop(place)
    if len(set(wanted.values)) < 2:
        raise TableError(f"column {target!r} has the same value in every row: there is nothing to predict")
    found = problem_of(wanted.values) if problem is None else problem
    if found == "regression" and any(number(value) is None for value in wanted.values):
        raise TableError(f"column {target!r} holds values that are no numbers: it cannot be the target of a regression")
    used = tuple(column for column in columns if column.kind in ("number", "category", "date"))
    if not used:
        raise TableError(f"besides {target!r} no column can be learnt from: {_listed(columns)}")
    return Table(columns=tuple(columns), target=wanted, problem=found, dropped=len(rows) - len(kept))


def kind_of(values: Sequence[str | None]) -> Kind:
    """What a column holds."""
    present = [value for value in values if value is not None]
    different = set(present)
    if len(different) < 2:
        return "constant"
    if all(number(value) is not None for value in different):
        return "number"
    if all(date(value) is not None for value in different):
        return "date"
    if len(different) == len(present) and len(present) > _LEAST_ROWS:
        return "identifier"
    return "category" if len(different) <= min(_MOST_CATEGORIES, len(present) / 2) else "text"


def problem_of(values: Sequence[str | None]) -> Problem:
    """Whether a target names classes or measures something."""
    different = {value for value in values if value is not None}
    numbers = [number(value) for value in different]
    if any(one is None for one in numbers):
        return "classification"
    whole = all(one is not None and one.is_integer() for one in numbers)
    return "classification" if len(different) == 2 or (whole and len(different) <= _FEW_WHOLE) else "regression"


def number(text: str | None) -> float | None:
    """The number that a text is, or None."""
    try:
        value = float(text) if text is not None else None
    except ValueError:
        return None
    return value if value is not None and math.isfinite(value) else None


def date(text: str | None) -> datetime | None:
    """The date that a text is, or None."""
    for form in _DATES:
        try:
            return datetime.strptime(text or "", form)
        except ValueError:
            continue
    return None


def _read(paths: Sequence[Path]) -> tuple[list[str], list[list[str | None]]]:
    if not paths:
        raise TableError("the channel holds no CSV file")
    header: list[str] | None = None
    rows: list[list[str | None]] = []
    for path in paths:
        with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
            lines = csv.reader(file)
            first = next(lines, None)
            if first is None or len(set(first)) != len(first):
                raise TableError(f"{path.name}: the first line must name the columns, each differently")
            if header is not None and first != header:
                raise TableError(f"{path.name}: its columns differ from those of {paths[0].name}")
            header = first
            for line in lines:
                if line and len(line) != len(header):
                    text = f"{path.name}, line {lines.line_num}: {len(line)} values for {len(header)} columns"
                    raise TableError(text)
                if line:
                    rows.append([None if cell.strip().lower() in _MISSING else cell.strip() for cell in line])
    assert header is not None
    return header, rows


def _listed(columns: Sequence[Column]) -> str:
    return ", ".join(f"{column.name} is {column.kind}" for column in columns) or "there is none"
