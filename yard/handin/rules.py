"""The rules of code competitions, as dated data, and what breaks them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_NEAR = 0.5
"""The hidden test set is often several times the public one: half of the time is worth a word."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """One rule, and whether the hand-in keeps it."""

    rule: str
    state: str
    """`ok`, `warning` or `broken`."""
    says: str


@cache
def data() -> Any:
    """The rules with their date and their source."""
    return json.loads((Path(__file__).parent / "kaggle.json").read_text(encoding="utf-8"))


def run_time(seconds: float, *, hours: float, rows: int | None, hidden_rows: int | None) -> Verdict:
    """The time that the notebook took here, carried over to the rows that nobody sees."""
    factor = hidden_rows / rows if hidden_rows is not None and rows else 1.0
    whole, most = seconds * factor, hours * 3600
    told = f"{seconds:.0f} s here" if seconds >= 10 else f"{seconds:.1f} s here"
    if factor != 1.0:
        told += f" for {rows} rows, so {whole:.0f} s for {hidden_rows}"
    state = "broken" if whole > most else "warning" if whole > most * _NEAR else "ok"
    more = "" if hidden_rows is not None else "; the hidden test set may be larger: --hidden-rows N carries it over"
    return Verdict(rule="run time", state=state, says=f"{told}, of {hours:g} h that are allowed{more}")


def sizes(folder: Path) -> Iterator[Verdict]:
    """The model's data set: its bytes and its files at the top."""
    rules = data()
    most, top = rules["dataset_bytes"], rules["dataset_top_level_files"]
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    state = "broken" if size > most else "ok"
    yield Verdict(rule="data set's size", state=state, says=f"{size / 1e6:,.1f} MB of {most / 1e9:,.0f} GB")
    entries = [path for path in folder.iterdir() if path.name != "dataset-metadata.json"]
    state = "broken" if len(entries) > top else "ok"
    yield Verdict(rule="data set's files", state=state, says=f"{len(entries)} files and folders at its top, of {top}")
