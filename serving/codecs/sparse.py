"""Rows that name their columns, as LIBSVM writes them: `LABEL COLUMN:VALUE COLUMN:VALUE`, columns from 0."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy

from contract.refusal import RequestError

_MOST_COLUMNS = 1 << 20
_MOST_CELLS = 1 << 27
_SHOWN_LETTERS = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class SparseRows:
    """What each row says, and nothing of the columns that it leaves out: what those hold is for the model to say."""

    columns: Sequence[Sequence[int]]
    """Of each row."""
    values: Sequence[Sequence[float]]
    """As long as the row's columns."""

    @property
    def width(self) -> int:
        """How many columns there are at least."""
        return 1 + max((column for row in self.columns for column in row), default=0)

    def dense(self, width: int | None, *, missing: float) -> numpy.ndarray:
        """All columns of all rows; those that a row leaves out are `missing`."""
        found = self.width
        if width is not None and found > width:
            raise RequestError(f"the model takes {width} columns, 0 to {width - 1}, and the request has {found - 1}")
        cells = len(self.columns) * (found if width is None else width)
        if cells > _MOST_CELLS:
            raise RequestError(f"the rows have {cells} values with those left out, and {_MOST_CELLS} are taken at once")
        rows = numpy.full((len(self.columns), found if width is None else width), missing)
        for row, columns, values in zip(rows, self.columns, self.values, strict=True):
            row[list(columns)] = values
        return rows


def read_libsvm(body: bytes) -> SparseRows:
    """A row a line; a label before it, which requests may have or leave out, is passed over."""
    columns, values = [], []
    for number, line in enumerate(body.splitlines(), 1):
        words = line.partition(b"#")[0].split()
        if not words:
            continue
        if b":" not in words[0]:
            _number(words.pop(0), number)
        pairs = [_pair(word, number) for word in words if not word.startswith(b"qid:")]
        columns.append([column for column, _ in pairs])
        values.append([value for _, value in pairs])
    if not columns:
        raise RequestError("the body has no rows")
    return SparseRows(columns=columns, values=values)


def _pair(word: bytes, line: int) -> tuple[int, float]:
    column, colon, value = word.partition(b":")
    if not colon or not column.isdigit() or len(column) > 9 or int(column) >= _MOST_COLUMNS:
        shown = word[:_SHOWN_LETTERS].decode(errors="replace")
        raise RequestError(f"line {line}: {shown!r} is no COLUMN:VALUE with a column from 0 to {_MOST_COLUMNS - 1}")
    return int(column), _number(value, line)


def _number(word: bytes, line: int) -> float:
    try:
        return float(word)
    except ValueError:
        shown = word[:_SHOWN_LETTERS].decode(errors="replace")
        raise RequestError(f"line {line}: {shown!r} is no number") from None
