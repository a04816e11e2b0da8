"""Parallel coordinates as plain SVG: an axis for each setting, a line for each run across all of them."""

import html
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_WIDTH_OF_AXIS, _HEIGHT, _LEFT, _TOP, _BOTTOM = 150, 320, 60, 40, 30
_SPANS_DECADES = 100
"""From this ratio on, an axis of numbers above 0 is logarithmic."""
_GOOD, _BAD = (27, 108, 168), (205, 205, 205)
"""The colours of the best line and of the worst."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One run: its value on each axis, by the axis's name, and how good it is from 0 (the best) to 1."""

    label: str
    values: Mapping[str, object]
    badness: float


class _Axis:
    """One axis: numbers, or the values of a list in their order."""

    def __init__(self, name: str, values: Sequence[object]) -> None:
        self.name = name
        numbers = [_number(value) for value in values]
        self._numeric = bool(numbers) and all(one is not None for one in numbers)
        known = [one for one in numbers if one is not None]
        self._words = sorted({str(value) for value in values})
        self._low, self._high = (min(known), max(known)) if self._numeric else (0.0, float(len(self._words) - 1))
        self._log = self._numeric and self._low > 0 and self._high / self._low >= _SPANS_DECADES

    def share(self, value: object) -> float:
        """Where a value lies, from 0 at the bottom to 1 at the top."""
        at = _number(value) if self._numeric else float(self._words.index(str(value)))
        if at is None or self._high == self._low:
            return 0.5
        if self._log:
            return math.log(at / self._low) / math.log(self._high / self._low)
        return (at - self._low) / (self._high - self._low)

    def ticks(self) -> list[tuple[float, str]]:
        """The labels, with where they stand."""
        if not self._numeric:
            return [(self.share(word), word) for word in self._words]
        middle = math.sqrt(self._low * self._high) if self._log else (self._low + self._high) / 2
        marks = [self._low] if self._low == self._high else [self._low, middle, self._high]
        return [(self.share(mark), f"{mark:.4g}") for mark in marks]


def draw(names: Sequence[str], lines: Sequence[Line]) -> str:
    """The picture as an element of a page; a line that lacks a value of an axis has a gap there."""
    axes = [_Axis(name, [line.values[name] for line in lines if name in line.values]) for name in names]
    if not lines or not axes:
        return "<p>No trial has ended with a value.</p>"
    width = _LEFT * 2 + _WIDTH_OF_AXIS * (len(axes) - 1)
    parts = [*_lines(axes, lines), *_frame(axes)]
    return (
        f'<figure><svg viewBox="0 0 {width} {_HEIGHT}" role="img" aria-label="Parallel coordinates">'
        f"{''.join(parts)}</svg></figure>\n"
    )


def _lines(axes: Sequence[_Axis], lines: Sequence[Line]) -> Iterator[str]:
    for line in sorted(lines, key=lambda one: -one.badness):  # the best last, over the others
        stroke = 2.5 if line.badness == 0 else 1.2
        for points in _pieces(axes, line):
            yield (
                f'<polyline fill="none" stroke="{_colour(line.badness)}" stroke-width="{stroke}" points="{points}">'
                f"<title>{html.escape(line.label)}</title></polyline>"
            )


def _pieces(axes: Sequence[_Axis], line: Line) -> Iterator[str]:
    piece: list[str] = []
    for number, axis in enumerate(axes):
        if axis.name in line.values:
            piece.append(f"{_across(number):.1f},{_up(axis.share(line.values[axis.name])):.1f}")
        elif piece:
            yield " ".join(piece)
            piece = []
    if len(piece) > 1:
        yield " ".join(piece)


def _frame(axes: Sequence[_Axis]) -> Iterator[str]:
    for number, axis in enumerate(axes):
        x = _across(number)
        yield f'<line x1="{x}" y1="{_up(0)}" x2="{x}" y2="{_up(1)}" stroke="#555"/>'
        yield f'<text x="{x}" y="20" text-anchor="middle" font-weight="600">{html.escape(axis.name)}</text>'
        for share, label in axis.ticks():
            yield f'<text x="{x + 6}" y="{_up(share) + 4:.1f}" font-size="11">{html.escape(label)}</text>'


def _across(number: int) -> float:
    return _LEFT + number * _WIDTH_OF_AXIS


def _up(share: float) -> float:
    return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)


def _colour(badness: float) -> str:
    mixed = (round(good + (bad - good) * badness) for good, bad in zip(_GOOD, _BAD, strict=True))
    return f"#{''.join(f'{one:02x}' for one in mixed)}"


def _number(value: object) -> float | None:
    try:
        found = float(str(value))
    except ValueError:
        return None
    return found if math.isfinite(found) else None
