"""Whether a submission has the shape of the sample: its columns, its rows in their order, and values of their kind."""

import csv
import math
from collections.abc import Iterator
from pathlib import Path

from yard.errors import UserError
from yard.handin.rules import Verdict

_SHOWN = 3
Table = tuple[list[str], list[list[str]]]


def check(submission: Path, sample: Path) -> Iterator[Verdict]:
    """Everything that differs in shape, one verdict each; one that is fine where nothing does."""
    if not submission.is_file():
        there = ", ".join(sorted(path.name for path in submission.parent.iterdir())) or "nothing"
        yield _broken(f"{submission.name} is not in /kaggle/working ({there} is)")
        return
    if submission.suffix != ".csv" or sample.suffix != ".csv":
        says = f"{submission.name} is there; only .csv is compared with a sample"
        yield Verdict(rule="submission", state="warning", says=says)
        return
    try:
        columns, rows = _read(submission)
    except (csv.Error, UnicodeDecodeError) as error:
        yield _broken(f"{submission.name} is no CSV in UTF-8: {error}")
        return
    wanted_columns, wanted = read(sample)
    problems = list(_differing(columns, rows, wanted_columns, wanted))
    yield from map(_broken, problems)
    if not problems:
        shape = f"{len(rows)} rows of {len(columns)} columns"
        yield Verdict(rule="submission", state="ok", says=f"{submission.name} is shaped like {sample.name}: {shape}")


def read(sample: Path) -> Table:
    """The sample's columns and rows."""
    try:
        return _read(sample)
    except (csv.Error, UnicodeDecodeError, OSError) as error:
        raise UserError(f"{sample} cannot be read as a sample: {error}.", "Name the competition's: --sample") from None


def _read(path: Path) -> Table:
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = [line for line in csv.reader(file, strict=True) if line]
    return (lines[0], lines[1:]) if lines else ([], [])


def _differing(
    columns: list[str], rows: list[list[str]], wanted_columns: list[str], wanted: list[list[str]]
) -> Iterator[str]:
    if columns != wanted_columns:
        yield f"its columns are {', '.join(columns) or 'none'}, and the sample's {', '.join(wanted_columns)}"
        return
    if len(rows) != len(wanted):
        yield f"it has {len(rows):,} rows, and the sample {len(wanted):,}"
    ragged = [number for number, row in enumerate(rows, 2) if len(row) != len(columns)]
    if ragged:
        yield f"{len(ragged)} of its lines have another number of values: {_some(ragged)}"
        return
    ids, wanted_ids = [row[0] for row in rows], [row[0] for row in wanted]
    if len(rows) == len(wanted) and ids != wanted_ids:
        if sorted(ids) == sorted(wanted_ids):
            yield f"its {columns[0]} are the sample's in another order"
        else:
            strangers = [one for one in ids if one not in set(wanted_ids)] or ["one twice"]
            yield f"its {columns[0]} are not the sample's: {', '.join(strangers[:_SHOWN])}"
    for at, column in enumerate(columns[1:], 1):
        empty = [number for number, row in enumerate(rows, 2) if row[at].strip() == ""]
        if empty and all(row[at].strip() for row in wanted):
            yield f"its column {column} is empty in {len(empty)} lines: {_some(empty)}"
            continue
        if wanted and all(_is_number(row[at]) for row in wanted):
            odd = [number for number, row in enumerate(rows, 2) if row[at].strip() and not _is_number(row[at])]
            if odd:
                yield f"its column {column} has {rows[odd[0] - 2][at]!r} where the sample has numbers: {_some(odd)}"


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _some(lines: list[int]) -> str:
    more = len(lines) - _SHOWN
    shown = ", ".join(map(str, lines[:_SHOWN]))
    return f"line{'s' if len(lines) > 1 else ''} {shown}{f' and {more} more' if more > 0 else ''}"


def _broken(says: str) -> Verdict:
    return Verdict(rule="submission", state="broken", says=says)
