"""How the command prints: tables for people, JSON for programs, nothing coloured in a pipe."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

Row = Mapping[str, Any]


def console(*, stderr: bool = False) -> "Console":
    """A console that knows whether a person looks at it."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, soft_wrap=True)


def is_terminal() -> bool:
    """Whether a person looks at the output."""
    return sys.stdout.isatty()


def complain(happened: str, fix: str = "") -> None:
    """Say on stderr what went wrong and what to do."""
    print(happened, file=sys.stderr)
    if fix:
        print(fix, file=sys.stderr)


def say(text: str) -> None:
    """Say something on stderr, so that stdout stays for data."""
    print(text, file=sys.stderr)


def emit_json(data: Any) -> None:
    """Print data for a program."""
    print(json.dumps(data, indent=2, default=str))


def emit_rows(rows: Sequence[Row], columns: Sequence[str], *, as_json: bool, empty: str) -> None:
    """Print rows: JSON with every field, or a table of the named columns. `empty` is said when there are none."""
    if as_json:
        emit_json([dict(row) for row in rows])
        return
    if not rows:
        say(empty)
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        numeric = all(isinstance(row.get(column), int | float) for row in rows)
        table.add_column(column.replace("_", " "), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    console().print(table)


def emit_facts(facts: Row, *, as_json: bool) -> None:
    """Print one thing: JSON, or one `name: value` line for each fact."""
    if as_json:
        emit_json(dict(facts))
        return
    width = max((len(name) for name in facts), default=0)
    for name, value in facts.items():
        if value is not None:
            print(f"{name.replace('_', ' '):<{width}}  {_cell(value)}")


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)
