"""The rows of the generated pages: one answer for one kind of field, and a subject for each table."""

import dataclasses
from typing import Any, Literal, get_type_hints

import pytest

from scripts.pages import jobs, tables
from shardyard.spec.tree import setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class Inner:
    """A table inside."""

    size: int = 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sample:
    """A field of each kind."""

    disk: int = setting(30, "A disk.", least=5, most=100, unit="gigabytes")
    longest: int = setting(3600, "A time.", least=60, unit="seconds")
    share: float = setting(0.5, "A|share.", least=0, most=1)
    mode: Literal["File", "Pipe"] | None = setting(None, "A mode.")
    on: bool = setting(False, "A switch.")
    count: int = setting(0, "A number.")
    parts: tuple[Inner, ...] = setting((), "Parts.")
    name: str = setting(doc="A name.")


ROWS = {
    "disk": '| `disk` | `"30GB"` | a size such as "200GB", 5 GB to 100 GB | A disk. |',
    "longest": '| `longest` | `"1h"` | a duration such as "4h", 1m or more | A time. |',
    "share": "| `share` | `0.5` | a number, 0 to 1 | A\\|share. |",
    "mode": "| `mode` | none | `File`, `Pipe` | A mode. |",
    "on": "| `on` | `false` | `true`, `false` | A switch. |",
    "count": "| `count` | `0` | a whole number | A number. |",
    "parts": "| `parts` | none | a list of tables: `size` | Parts. |",
    "name": "| `name` | required | a text | A name. |",
}


@pytest.mark.parametrize("field", dataclasses.fields(Sample), ids=lambda field: field.name)
def test_a_row_says_default_and_limits(field: dataclasses.Field[Any]) -> None:
    assert tables.row(field.name, field, get_type_hints(Sample)[field.name]) == ROWS[field.name]


@pytest.mark.parametrize("table", ["[spot]", "[debug]", "[registry]", "[tensorboard]", "[infra_check]"])
def test_a_table_of_the_job_file_says_its_subject(table: str) -> None:
    section = jobs.as_markdown().partition(f"## `{table}`\n\n")[2]
    subject = section.partition("\n")[0]
    assert len(subject.split()) > 4 and not subject.startswith("|"), "the table's docstring stands before its rows"
