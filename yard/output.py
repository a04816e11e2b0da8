"""How the command prints: tables for people, JSON for programs, no colour in a pipe."""

import json
import math
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TextIO

from shardyard.spec.errors import one_line
from yard.errors import Exit, UserError
from yard.tables import NOTHING, abreast, fitting, flowing, heading, table

if TYPE_CHECKING:
    from rich.console import Console

Row = Mapping[str, Any]
_ESCAPES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # a title, a link
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # colours, and where to go on
    r"|\x1b[@-_a-z]?|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
    r"|[\u2028\u2029\u202a-\u202e\u2066-\u2069]"  # other line breaks, and what turns the order of letters around
    r"|[\ud800-\udfff]"  # halves of letters, which no terminal takes
)


def width(*, stderr: bool = False) -> int | None:
    """How many letters a line of the terminal has; None in a pipe, whose reader wants each row on one line."""
    stream = sys.stderr if stderr else sys.stdout
    return shutil.get_terminal_size().columns if stream.isatty() else None


def console() -> "Console":
    """What draws progress on stderr, again and again."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, markup=False)


def is_terminal() -> bool:
    """Whether the output goes to a terminal."""
    return sys.stdout.isatty()


def confirm(question: str, *, otherwise: str = "--yes", default: bool = False) -> bool:
    """Ask on stderr; without a terminal (a pipe, a script), fail and name the option that answers."""
    if not sys.stdin.isatty():
        raise UserError(
            f"{question} This is not a terminal, so the question has no answer.",
            f"Answer it beforehand: {otherwise}",
            code=Exit.USAGE,
        )
    import typer

    return typer.confirm(question, default=default, err=True)


def complain(happened: str, fix: str = "") -> None:
    """Print on stderr what went wrong and what to do; what is no text in it, as Python would write it."""
    for text in filter(None, (happened, fix)):
        say("\n".join(map(one_line, text.split("\n"))))


def say(text: str) -> None:
    """Print on stderr, so that stdout stays free for data."""
    show(text, sys.stderr)


def show(text: str, stream: TextIO | None = None, *, indent: int = 0) -> None:
    """Print what may hold words of others: at a terminal what is text, folded between words; in a pipe every byte."""
    out = sys.stdout if stream is None else stream
    text = printable(text) if out.isatty() else text
    print(flowing(text, width(stderr=out is sys.stderr), indent=indent), file=out, flush=True)


def emit_json(data: Any) -> None:
    """Print data for a program."""
    print(json.dumps(_speakable(data), indent=2, default=_plain))


def emit_json_line(data: Any) -> None:
    """Print one object on one line, for a program that reads a stream of them."""
    print(json.dumps(_speakable(data), default=_plain), flush=True)


def _speakable(data: Any) -> Any:
    """JSON knows neither nan nor infinity: they become texts."""
    if isinstance(data, float) and not math.isfinite(data):
        return str(data)
    if isinstance(data, Mapping):
        return {key: _speakable(value) for key, value in data.items()}
    return [_speakable(item) for item in data] if isinstance(data, list | tuple) else data


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def printable(text: str) -> str:
    """A line of somebody else's without what would move the cursor, clear the screen or set the window's title."""
    return _ESCAPES.sub("", text)


def emit_rows(
    rows: Sequence[Row], columns: Sequence[str], *, as_json: bool, empty: str, spare: Sequence[str] = ()
) -> None:
    """Print rows: JSON with every field, or a table of the named columns; `empty` if there are none.

    Columns of `spare` go where they have no value at all, and, from the last on, where the terminal is too narrow.
    """
    if as_json:
        emit_json([dict(row) for row in rows])
        return
    if not rows:
        say(empty)
        return
    cells = {column: [_amount(column, row.get(column)) for row in rows] for column in columns}
    shown = fitting(cells, spare, width())
    numeric = [column for column in shown if _is_numeric([row.get(column) for row in rows])]
    bold = is_terminal() and "NO_COLOR" not in os.environ
    for line in table({column: cells[column] for column in shown}, width=width(), right=numeric, bold=bold):
        print(line)
    left = [heading(column) for column in columns if column not in shown and set(cells[column]) != {NOTHING}]
    if left:
        say(f"No room for: {', '.join(left)} (a wider window, or --json).")


def _is_numeric(values: Sequence[Any]) -> bool:
    known = [value for value in values if value is not None]
    return bool(known) and all(isinstance(value, int | float) for value in known)


def emit_side_by_side(names: Sequence[str], rows: Sequence[tuple[str, Sequence[Any]]]) -> None:
    """A table with a column per name; those that have no room beside the first go below one another."""
    room = abreast([name for name, _ in rows], [[name] for name in names], width())
    for first in range(0, len(names), room):
        if first:
            print()
        some = names[first : first + room]
        found = [{"": name, **dict(zip(some, values[first:], strict=False))} for name, values in rows]
        emit_rows(found, ("", *some), as_json=False, empty="")


def emit_facts(facts: Row, *, as_json: bool) -> None:
    """Print one thing: JSON, or one `name: value` line per fact."""
    if as_json:
        emit_json(dict(facts))
        return
    shown = {heading(name): value for name, value in facts.items() if value not in (None, "", [])}
    widest = max((len(name) for name in shown), default=0)
    for name, value in shown.items():
        # A line break in somebody's words begins no line of ours
        line = f"{name:<{widest}}  {_cell(value)}".replace("\n", f"\n{'':<{widest}}  ")
        show(line, indent=widest + 2)


def _amount(column: str, value: Any) -> str:
    """A cell of a table: cents for money, thousands separators for every other number."""
    if "usd" in column and isinstance(value, int | float):
        return f"{value:,.2f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    said = _cell(value, short=True)
    return printable(said) if is_terminal() else said


def _cell(value: Any, *, short: bool = False) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}" if short else f"{value:%Y-%m-%d %H:%M:%S %Z}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {inner}" for name, inner in value.items())
    return str(value)
