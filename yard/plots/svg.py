"""Charts as plain SVG: no library, no script, nothing from the network."""

import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from yard.plots.series import Chart, Series

_WIDTH, _HEIGHT = 480, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 16, 34, 46
_TICKS = 5
_LEAST_DRAWN, _SAME = 1e-200, 1e-9
"""Below these, the arithmetic of the axes ends: values that are equal but for so little are drawn as one."""
_MOST_DOTS = 60
"""With more points than this, the dots would hide the line."""
_MOST_POINTS = 1500
"""With more, several share a column of pixels."""
_COLOURS = ("#1b6ca8", "#c8553d", "#3d8b5a", "#8a5aa8", "#b08a1e", "#555555")


@dataclass(frozen=True, slots=True)
class _Axis:
    """One axis: a range of values and the pixels that it maps to."""

    ticks: Sequence[float]
    first: float
    """The pixel of the first tick."""
    last: float

    def pixel(self, value: float) -> float:
        """The pixel of a value."""
        low, high = self.ticks[0], self.ticks[-1]
        return self.first + (value - low) / (high - low) * (self.last - self.first)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) from below the lowest value to above the highest."""
    largest = max(abs(low), abs(high))
    if high - low <= max(largest * _SAME, _LEAST_DRAWN):
        apart = largest if largest > _LEAST_DRAWN else 1
        low, high = low - apart / 2, high + apart / 2
    rough = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    apart = next((power * times for times in (1, 2, 5) if power * times >= rough), power * 10)
    first, last = math.floor(low / apart), math.ceil(high / apart)
    return [number * apart for number in range(first, last + 1)]


def draw(chart: Chart) -> str:
    """A chart as an element of a page; a sentence where there is nothing to draw."""
    points = [point for line in [*chart.lines, *chart.marks] for point in line]
    if not points:
        return f"<p>{html.escape(chart.title)}: no run printed it.</p>"
    xs, ys = [x for x, _ in points], [y for _, y in points]
    across = _Axis(_ticks(min(xs), max(xs)), _LEFT, _WIDTH - _RIGHT)
    up = _Axis(_ticks(min(ys), max(ys)), _HEIGHT - _BOTTOM, _TOP)
    parts = [*_frame(chart, across, up), *_lines(chart.lines, across, up, faint=bool(chart.smooth))]
    parts += _lines(chart.smooth, across, up)
    parts += _marks(chart.marks, across, up)
    return (
        f'<figure><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{html.escape(chart.title)}">'
        f"{''.join(parts)}</svg>{_legend(chart)}</figure>\n"
    )


def _legend(chart: Chart) -> str:
    if not chart.names:
        return ""
    shown = [n for n, line in enumerate(chart.lines) if line]
    return f"<figcaption>{' '.join(f'{dot(n)} {html.escape(chart.names[n])}' for n in shown)}</figcaption>"


def dot(number: int) -> str:
    """The colour of a line, for a legend."""
    return f'<span style="color:{_COLOURS[number % len(_COLOURS)]}">&#9679;</span>'


def _frame(chart: Chart, across: _Axis, up: _Axis) -> Iterator[str]:
    """The grid, the numbers and the names of the axes."""
    middle, centre = (_LEFT + _WIDTH - _RIGHT) / 2, (_TOP + _HEIGHT - _BOTTOM) / 2
    for tick in across.ticks:
        x = across.pixel(tick)
        yield _line(x, up.first, x, up.last)
        yield _label(x, up.first + 17, f"{tick:.6g}")
    for tick in up.ticks:
        y = up.pixel(tick)
        yield _line(across.first, y, across.last, y)
        yield _label(across.first - 6, y + 4, f"{tick:,.6g}", anchor="end")
    yield _label(middle, 18, chart.title, more=' font-weight="600"')
    yield _label(middle, _HEIGHT - 8, chart.across)
    yield _label(14, centre, chart.up, more=f' transform="rotate(-90 14 {centre:.0f})"')


def _lines(lines: Sequence[Series], across: _Axis, up: _Axis, *, faint: bool = False) -> Iterator[str]:
    for number, line in enumerate(lines):
        pixels = _thinned([(across.pixel(x), up.pixel(y)) for x, y in line])
        if not pixels:
            continue
        colour = _COLOURS[number % len(_COLOURS)]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in pixels)
        opacity = ' stroke-opacity="0.25"' if faint else ""
        yield f'<polyline fill="none" stroke="{colour}" stroke-width="1.5"{opacity} points="{points}"/>'
        if len(pixels) <= _MOST_DOTS and not faint:
            for x, y in pixels:
                yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{colour}"/>'


def _marks(series: Sequence[Series], across: _Axis, up: _Axis) -> Iterator[str]:
    for number, points in enumerate(series):
        colour = _COLOURS[number % len(_COLOURS)]
        for x, y in _thinned([(across.pixel(x), up.pixel(y)) for x, y in points]):
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}" fill-opacity="0.6"/>'


def _thinned(pixels: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """Of many points in one column of pixels the lowest and the highest: the picture is the same, the file small."""
    if len(pixels) <= _MOST_POINTS:
        return pixels
    kept: list[tuple[float, float]] = []
    for _, group in groupby(pixels, key=lambda pixel: round(pixel[0])):
        column = list(group)
        low, high = min(column, key=lambda one: one[1]), max(column, key=lambda one: one[1])
        kept += sorted({low, high}, key=column.index)
    return kept


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>'


def _label(x: float, y: float, text: str, *, anchor: str = "middle", more: str = "") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}"{more}>{html.escape(text)}</text>'
