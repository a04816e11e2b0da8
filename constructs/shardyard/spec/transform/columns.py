"""Columns of many CSV rows at a time, without reading each: for rows in which nothing is quoted, which are most."""

from collections.abc import Callable, Sequence

from shardyard.spec.transform.paths import Path, Positions, Slice

Pick = Callable[[bytes], bytes]
_ENDS = (Positions((0, -1)),)


def select(lines: Sequence[bytes], path: Path) -> list[bytes] | None:
    """What a filter keeps of every row; None where a row has to be read: it is empty, quoted, or not long enough."""
    return _selected(lines, path) if are_plain(lines) else None


def join(lines: Sequence[bytes], answers: Sequence[bytes], path: Path) -> list[bytes] | None:
    """What a filter keeps of every row with its answer behind it; None where one of them has to be read."""
    if not are_plain(lines) or not are_plain(answers):
        return None
    if path.steps == _ENDS:
        # what most joins keep: the first column, an id, and the last, the answer
        return [
            b"%b,%b" % (line.partition(b",")[0], answer.rpartition(b",")[2])
            for line, answer in zip(lines, answers, strict=True)
        ]
    return _selected([b"%b,%b" % pair for pair in zip(lines, answers, strict=True)], path)


def _selected(lines: Sequence[bytes], path: Path) -> list[bytes] | None:
    if path.is_root:
        return list(lines)
    pick = _picker(path)
    if pick is None:
        return None
    try:
        return list(map(pick, lines))
    except IndexError:
        return None


def are_plain(lines: Sequence[bytes]) -> bool:
    """Whether commas alone tell the columns of every row apart, and all of it is text."""
    whole = b"\n".join(lines)
    if b'"' in whole or b"\r" in whole or not all(lines):
        return False
    try:
        return whole.isascii() or bool(whole.decode())
    except UnicodeDecodeError:
        return False


def _picker(path: Path) -> Pick | None:
    """What picks the columns of a row; it raises `IndexError` for one that lacks them."""
    if len(path.steps) != 1 or not isinstance(path.steps[0], Positions):
        return None
    parts = path.steps[0].parts
    if len(parts) == 1 and isinstance(parts[0], Slice):
        return _slice(parts[0])
    if all(isinstance(part, int) for part in parts):
        return _positions([part for part in parts if isinstance(part, int)])
    return lambda line: b",".join(_several(line.split(b","), parts))


def _several(row: list[bytes], parts: Sequence[int | Slice]) -> list[bytes]:
    return [cell for part in parts for cell in (row[part.start : part.end] if isinstance(part, Slice) else [row[part]])]


def _slice(part: Slice) -> Pick:
    """Of `$[2:]` the columns that it keeps need not be told apart."""
    skipped = part.start
    if part.end is not None or skipped is None or skipped < 0:
        return lambda line: b",".join(line.split(b",")[part.start : part.end])
    if skipped == 1:
        return lambda line: line.partition(b",")[2]
    return lambda line: b"".join(line.split(b",", skipped)[skipped:])


def _positions(wanted: Sequence[int]) -> Pick:
    """Columns counted from the left or from the right: those beyond the last one on each side stay together."""
    left, right = max(wanted) + 1, -min(wanted)
    if right <= 0:
        return lambda line: _cells(line.split(b",", left), wanted)
    if left <= 0:
        return lambda line: _cells(line.rsplit(b",", right), wanted)
    if list(wanted) == [0, -1]:
        return lambda line: line.partition(b",")[0] + b"," + line.rpartition(b",")[2]
    return lambda line: b",".join(
        [line.split(b",", left)[at] if at >= 0 else line.rsplit(b",", right)[at] for at in wanted]
    )


def _cells(row: list[bytes], wanted: Sequence[int]) -> bytes:
    return row[wanted[0]] if len(wanted) == 1 else b",".join([row[at] for at in wanted])
