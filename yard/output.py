"""How the command prints: tables for people, JSON for programs, no colour in a pipe."""

import json
import math
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TextIO

from yard.errors import Exit, UserError

if TYPE_CHECKING:
    from rich.console import Console

Row = Mapping[str, Any]
_NOTHING = "-"
_GAP = 2
"""Blanks between two columns."""
_ESCAPES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # a title, a link
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # colours, and where to go on
    r"|\x1b[@-_a-z]?|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
    r"|[\u2028\u2029\u202a-\u202e\u2066-\u2069]"  # other line breaks, and what turns the order of letters around
    r"|[\ud800-\udfff]"  # halves of letters, which no terminal takes
)
_PIPE_WIDTH = 1000
"""A pipe has no width: its reader wants whole words, and each row on one line."""


def console(*, stderr: bool = False) -> "Console":
    """A console that knows whether it prints to a terminal."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _PIPE_WIDTH
    return Console(stderr=stderr, highlight=False, markup=False, soft_wrap=True, width=width)


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
    """Print on stderr what went wrong and what to do."""
    say(happened)
    if fix:
        say(fix)


def say(text: str) -> None:
    """Print on stderr, so that stdout stays free for data."""
    show(text, sys.stderr)


def show(text: str, stream: TextIO | None = None) -> None:
    """Print what may hold words of others: at a terminal only what is text, in a pipe every byte."""
    out = sys.stdout if stream is None else stream
    print(printable(text) if out.isatty() else text, file=out, flush=True)


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
    from rich.table import Table

    screen = console()
    cells = {column: [_amount(column, row.get(column)) for row in rows] for column in columns}
    shown = _fitting(cells, spare, screen.width)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in shown:
        known = [row.get(column) for row in rows if row.get(column) is not None]
        numeric = bool(known) and all(isinstance(value, int | float) for value in known)
        # A name or an id that is folded cannot be copied: sentences give way
        is_word = not any(" " in cell for cell in cells[column])
        justify: Literal["right", "left"] = "right" if numeric else "left"
        table.add_column(column.replace("_", " "), justify=justify, overflow="fold", no_wrap=is_word)
    for number in range(len(rows)):
        table.add_row(*(cells[column][number] for column in shown))
    screen.print(table)
    left = [column.replace("_", " ") for column in columns if column not in shown and set(cells[column]) != {_NOTHING}]
    if left:
        say(f"No room for: {', '.join(left)} (a wider window, or --json).")


def _fitting(cells: Mapping[str, Sequence[str]], spare: Sequence[str], width: int) -> list[str]:
    """The columns that a table of this width has room for."""
    shown = [column for column in cells if column not in spare or set(cells[column]) != {_NOTHING}]
    wide = {column: max(map(len, [column, *cells[column]])) for column in shown}
    for column in reversed(spare):
        if column in shown and sum(wide[one] + _GAP for one in shown) - _GAP > width:
            shown.remove(column)
    return shown


def emit_facts(facts: Row, *, as_json: bool) -> None:
    """Print one thing: JSON, or one `name: value` line per fact."""
    if as_json:
        emit_json(dict(facts))
        return
    shown = {name.replace("_", " "): value for name, value in facts.items() if value not in (None, "", [])}
    width = max((len(name) for name in shown), default=0)
    for name, value in shown.items():
        # A line break in somebody's words begins no line of ours
        show(f"{name:<{width}}  {_cell(value)}".replace("\n", f"\n{'':<{width}}  "))


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
        return _NOTHING
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
