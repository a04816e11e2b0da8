"""Columns of many CSV rows at a time, without reading each: for rows in which nothing is quoted, which are most."""

from collections.abc import Callable, Sequence

from shardyard.spec.transform.paths import Path, Positions, Slice

Pick = Callable[[Sequence[bytes]], list[bytes]]
"""Takes all rows at once: a call for each would cost more than what it does."""
_ENDS = (Positions((0, -1)),)


def select(lines: Sequence[bytes], path: Path) -> list[bytes] | None:
    """What a filter keeps of every plain row; None where one has to be read, because it is not long enough."""
    if path.is_root:
        return list(lines)
    pick = _picker(path)
    if pick is None:
        return None
    try:
        return pick(lines)
    except IndexError:
        return None


def join(lines: Sequence[bytes], answers: Sequence[bytes], path: Path) -> list[bytes] | None:
    """What a filter keeps of every plain row with its plain answer behind it; None where one of them has to be read."""
    pairs = zip(lines, answers, strict=True)
    if path.steps == _ENDS:
        # what most joins keep: the first column, an id, and the last, the answer
        return [line.partition(b",")[0] + b"," + answer.rpartition(b",")[2] for line, answer in pairs]
    return select([line + b"," + answer for line, answer in pairs], path)


def are_plain(lines: Sequence[bytes], text: bytes) -> bool:
    """Whether commas alone tell the columns of every row apart, and all of it is text; `text` is all lines together."""
    if b'"' in text or b"\r" in text or not all(lines):
        return False
    try:
        return text.isascii() or bool(text.decode())
    except UnicodeDecodeError:
        return False


def _picker(path: Path) -> Pick | None:
    """What picks the columns of rows; it raises `IndexError` where one lacks them."""
    if len(path.steps) != 1 or not isinstance(path.steps[0], Positions):
        return None
    parts = path.steps[0].parts
    if len(parts) == 1 and isinstance(parts[0], Slice):
        return _slice(parts[0])
    if all(isinstance(part, int) for part in parts):
        return _positions([part for part in parts if isinstance(part, int)])
    return lambda lines: [b",".join(_several(line.split(b","), parts)) for line in lines]


def _several(row: list[bytes], parts: Sequence[int | Slice]) -> list[bytes]:
    return [cell for part in parts for cell in (row[part.start : part.end] if isinstance(part, Slice) else [row[part]])]


def _slice(part: Slice) -> Pick:
    """Of `$[2:]` the columns that it keeps need not be told apart."""
    skipped = part.start
    if part.end is not None or skipped is None or skipped < 0:
        return lambda lines: [b",".join(line.split(b",")[part.start : part.end]) for line in lines]
    if skipped == 1:
        return lambda lines: [line.partition(b",")[2] for line in lines]
    return lambda lines: [b"".join(line.split(b",", skipped)[skipped:]) for line in lines]


def _positions(wanted: Sequence[int]) -> Pick:
    """Columns counted from the left or from the right: those beyond the last one on each side stay together."""
    left, right = max(wanted) + 1, -min(wanted)
    if right <= 0:
        return lambda lines: [_cells(line.split(b",", left), wanted) for line in lines]
    if left <= 0:
        return lambda lines: [_cells(line.rsplit(b",", right), wanted) for line in lines]
    if list(wanted) == [0, -1]:
        return lambda lines: [line.partition(b",")[0] + b"," + line.rpartition(b",")[2] for line in lines]
    return lambda lines: [
        b",".join([line.split(b",", left)[at] if at >= 0 else line.rsplit(b",", right)[at] for at in wanted])
        for line in lines
    ]


def _cells(row: list[bytes], wanted: Sequence[int]) -> bytes:
    return row[wanted[0]] if len(wanted) == 1 else b",".join([row[at] for at in wanted])
