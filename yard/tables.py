"""Tables and texts on a terminal of any width: what is copied stays whole, sentences fold between words."""

import itertools
import textwrap
from collections.abc import Iterator, Mapping, Sequence

NOTHING = "-"
_GAP = 2
"""Blanks between two columns."""
_WHOLE_WORD = 36
"""A word of up to so many letters is never cut: a run's id, a job's name, an instance type. Addresses are longer."""
_WHOLE_CELL = 20
"""A cell of up to so many letters is never folded: a date, an amount and its unit."""

Cells = Mapping[str, Sequence[str]]
"""The cells of each column, from the first row to the last."""


def flowing(text: str, width: int | None, *, indent: int = 0) -> str:
    """Text folded between words; a word that is longer than the screen (an address) stays whole."""
    if width is None:
        return text
    return "\n".join(_folded(line, width, indent) for line in text.split("\n"))


def _folded(line: str, width: int, indent: int) -> str:
    if len(line) <= width:
        return line
    folds = textwrap.TextWrapper(
        width=max(width, indent + 20),
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
    )
    return "\n".join(folds.wrap(line))


def table(cells: Cells, *, width: int | None, right: Sequence[str] = (), bold: bool = False) -> Iterator[str]:
    """The lines of a table; the columns of `right` are flush right."""
    widths = _widths(cells, width)
    for line in _row({column: heading(column) for column in cells}, widths, right):
        yield f"\x1b[1m{line}\x1b[0m" if bold else line
    for number in range(len(next(iter(cells.values()), ()))):
        yield from _row({column: found[number] for column, found in cells.items()}, widths, right)


def _row(row: Mapping[str, str], widths: Mapping[str, int], right: Sequence[str]) -> Iterator[str]:
    """The lines of one row, as many as its longest cell takes."""
    pieces = {column: _pieces(cell, widths[column]) for column, cell in row.items()}
    for parts in itertools.zip_longest(*pieces.values(), fillvalue=""):
        padded = (
            part.rjust(widths[column]) if column in right else part.ljust(widths[column])
            for column, part in zip(row, parts, strict=True)
        )
        yield (" " * _GAP).join(padded).rstrip()


def fitting(cells: Cells, spare: Sequence[str], width: int | None) -> list[str]:
    """The columns that there is room for: those of `spare` go if all their cells are empty, or, from the last on, if
    the screen is too narrow."""
    shown = [column for column in cells if column not in spare or set(cells[column]) != {NOTHING}]
    for column in reversed(spare):
        if column in shown and width is not None and _total({one: _least(one, cells[one]) for one in shown}) > width:
            shown.remove(column)
    return shown


def abreast(first: Sequence[str], others: Sequence[Sequence[str]], width: int | None) -> int:
    """How many of these columns have room beside the first, at least one."""
    if width is None:
        return len(others)
    taken, count = max(map(len, first), default=0), 0
    for column in others:
        taken += _GAP + _least("", column)
        count += taken <= width
    return max(count, 1)


def heading(column: str) -> str:
    """The head of a column."""
    return column.replace("_", " ")


def _wide(column: str, cells: Sequence[str]) -> int:
    return max(map(len, [column, *cells]))


def _total(widths: Mapping[str, int]) -> int:
    return sum(widths.values()) + _GAP * (len(widths) - 1)


def _widths(cells: Cells, width: int | None) -> dict[str, int]:
    """The width of each column: the widest give way first, and none further than to its longest name."""
    widths = {column: _wide(column, found) for column, found in cells.items()}
    least = {column: _least(column, found) for column, found in cells.items()}
    while width is not None and _total(widths) > width:
        yielding = [column for column in cells if widths[column] > least[column]]
        if not yielding:
            break
        widths[max(yielding, key=lambda column: widths[column])] -= 1
    return widths


def _least(column: str, cells: Sequence[str]) -> int:
    """How narrow a column may become."""
    return max([len(column), *map(_unfolded, cells)])


def _unfolded(cell: str) -> int:
    """What of a cell stays on one line; an address has no room in a table."""
    if len(cell) <= _WHOLE_CELL:
        return len(cell)
    return max((len(word) if len(word) <= _WHOLE_WORD else _WHOLE_CELL for word in cell.split()), default=0)


def _pieces(cell: str, width: int) -> list[str]:
    """The lines of a cell: a list folds between its items where they have room, all else between words."""
    items = cell.split(", ")
    if len(cell) <= width or max(map(len, items)) >= width:
        return textwrap.wrap(cell, width, break_on_hyphens=False) or [""]
    lines = [items[0]]
    for item in items[1:]:
        joined = f"{lines[-1]}, {item}"
        if len(joined) < width:
            lines[-1] = joined
        else:
            lines[-1] += ","
            lines.append(item)
    return lines
