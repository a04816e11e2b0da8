"""How the command prints: tables for people, JSON for programs, nothing coloured in a pipe."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yard.errors import Exit, UserError

if TYPE_CHECKING:
    from rich.console import Console

Row = Mapping[str, Any]
_PIPE_WIDTH = 1000
"""A pipe has no width: whoever reads it wants whole words, and each row on one line."""


def console(*, stderr: bool = False) -> "Console":
    """A console that knows whether a person looks at it."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _PIPE_WIDTH
    return Console(stderr=stderr, highlight=False, markup=False, soft_wrap=True, width=width)


def is_terminal() -> bool:
    """Whether a person looks at the output."""
    return sys.stdout.isatty()


def confirm(question: str, *, otherwise: str = "--yes", default: bool = False) -> bool:
    """Ask a person; without one (a pipe, a script) say which option answers. The question goes to stderr."""
    if not sys.stdin.isatty():
        raise UserError(f"{question} There is nobody to ask here.", f"Say it beforehand: {otherwise}", code=Exit.USAGE)
    import typer

    return typer.confirm(question, default=default, err=True)


def complain(happened: str, fix: str = "") -> None:
    """Say on stderr what went wrong and what to do."""
    print(happened, file=sys.stderr)
    if fix:
        print(fix, file=sys.stderr)


def say(text: str) -> None:
    """Say something on stderr, so that stdout stays for data."""
    print(text, file=sys.stderr, flush=True)


def emit_json(data: Any) -> None:
    """Print data for a program."""
    print(json.dumps(data, indent=2, default=_plain))


def emit_json_line(data: Any) -> None:
    """Print one object on one line, for a program that reads while they come."""
    print(json.dumps(data, default=_plain), flush=True)


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


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
        known = [row.get(column) for row in rows if row.get(column) is not None]
        numeric = bool(known) and all(isinstance(value, int | float) for value in known)
        table.add_column(column.replace("_", " "), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_amount(column, row.get(column)) for column in columns))
    console().print(table)


def emit_facts(facts: Row, *, as_json: bool) -> None:
    """Print one thing: JSON, or one `name: value` line for each fact."""
    if as_json:
        emit_json(dict(facts))
        return
    shown = {name.replace("_", " "): value for name, value in facts.items() if value not in (None, "", [])}
    width = max((len(name) for name in shown), default=0)
    for name, value in shown.items():
        print(f"{name:<{width}}  {_cell(value)}")


def _amount(column: str, value: Any) -> str:
    """A cell of a table: cents for money, and the same separators for whole numbers as for others."""
    if "usd" in column and isinstance(value, int | float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else _cell(value)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S %Z}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {inner}" for name, inner in value.items())
    return str(value)
