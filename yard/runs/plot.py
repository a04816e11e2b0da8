"""Curves as one HTML file that opens anywhere: plain SVG, no library, nothing from the network."""

import html
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from yard.runs.comparison import RATES, Curve, Point, metric_names, not_finite

_WIDTH, _HEIGHT = 600, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 16, 34, 46
_TICKS = 5
_MOST_DRAWN, _LEAST_DRAWN, _SAME = 1e200, 1e-200, 1e-9
"""Beyond these, the arithmetic of the axes ends: values that are equal but for so little are drawn as one."""
_MOST_DOTS = 60
"""With more points than this, the dots would hide the line."""
_COLOURS = ("#1b6ca8", "#c8553d", "#3d8b5a", "#8a5aa8", "#b08a1e", "#555555")
_STYLE = """
body{font:15px/1.4 system-ui,sans-serif;margin:2em;color:#222;background:#fff}
table{border-collapse:collapse;margin:0 0 1.5em}
caption{text-align:left;font-weight:600;padding:.2em 0}
th,td{padding:3px 16px 3px 0;text-align:left;border-bottom:1px solid #ddd}
figure{display:inline-block;margin:0 1em 1em 0}
svg{max-width:100%;height:auto}
text{font:12px system-ui,sans-serif;fill:#222}
"""

Series = list[tuple[float, float]]
Rows = Sequence[tuple[str, Sequence[object]]]


def page(curves: Sequence[Curve], differences: Rows, outcome: Rows) -> str:
    """The whole page: what differs, how the runs ended, loss and throughput over steps and time, other metrics."""
    rate = _rate_name(curves)
    others = [name for name in metric_names(curves) if name != "loss"]
    charts = "".join(
        _chart(title, across_name, value_name, [_series(curve, across, value) for curve in curves])
        for title, across_name, value_name, across, value in (
            ("Loss by step", "step", "loss", _step, _metric("loss")),
            ("Loss by time", "seconds since the first step", "loss", _seconds, _metric("loss")),
            ("Throughput by step", "step", rate, _step, _rate),
            ("Throughput by time", "seconds since the first step", rate, _seconds, _rate),
            *((f"{_words(name)} by step", "step", _words(name), _step, _metric(name)) for name in others),
        )
    )
    nothing = "" if differences else "<p>No setting differs.</p>"
    tables = _table("Settings that differ", curves, differences) + nothing + _table("How they ended", curves, outcome)
    title = f"{len(curves)} runs of {', '.join(sorted({curve.job for curve in curves}))}"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style></head>\n<body><h1>{html.escape(title)}</h1>\n{tables}{_missing(curves)}{charts}</body></html>\n"
    )


def _table(caption: str, curves: Sequence[Curve], rows: Rows) -> str:
    heads = "".join(
        f'<th scope="col"><span style="color:{_colour(n)}">&#9679;</span> {html.escape(curve.run_id)}</th>'
        for n, curve in enumerate(curves)
    )
    body = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th>'
        + "".join(f"<td>{html.escape(_text(value))}</td>" for value in values)
        + "</tr>\n"
        for name, values in rows
    )
    return f"<table><caption>{caption}</caption><tr><td></td>{heads}</tr>\n{body}</table>\n"


def _text(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:,.5g}" if isinstance(value, float) else str(value)


def _rate_name(curves: Sequence[Curve]) -> str:
    found = {name for curve in curves for point in curve.points for name in RATES if name in point.metrics}
    return found.pop().replace("_", " ") if len(found) == 1 else "per second"


def _step(point: Point) -> float:
    return point.step


def _seconds(point: Point) -> float:
    return point.seconds


def _metric(name: str) -> Callable[[Point], float | None]:
    return lambda point: point.metrics.get(name)


def _rate(point: Point) -> float | None:
    return next((point.metrics[name] for name in RATES if name in point.metrics), None)


def _series(curve: Curve, across: Callable[[Point], float], value: Callable[[Point], float | None]) -> Series:
    pairs = ((across(point), value(point)) for point in curve.points)
    return [(x, y) for x, y in pairs if y is not None and abs(x) < _MOST_DRAWN and abs(y) < _MOST_DRAWN]


def _words(name: str) -> str:
    return html.escape(name.replace("_", " "))


def _missing(curves: Sequence[Curve]) -> str:
    """What no line can show."""
    counts = {name: not_finite(curves, name) for name in metric_names(curves)}
    return "".join(
        f"<p>{_words(name)}: {count} value{'' if count == 1 else 's'} not drawn, nan or infinite.</p>\n"
        for name, count in counts.items()
        if count
    )


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


def _chart(title: str, across_name: str, value_name: str, series: Sequence[Series]) -> str:
    points = [point for one in series for point in one]
    if not points:
        return f"<p>{title}: no run printed it.</p>"
    xs, ys = [x for x, _ in points], [y for _, y in points]
    across = _Axis(_ticks(min(xs), max(xs)), _LEFT, _WIDTH - _RIGHT)
    up = _Axis(_ticks(min(ys), max(ys)), _HEIGHT - _BOTTOM, _TOP)
    parts = [*_frame(title, across_name, value_name, across, up), *_lines(series, across, up)]
    return (
        f'<figure><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" role="img" '
        f'aria-label="{title}">{"".join(parts)}</svg></figure>\n'
    )


def _frame(title: str, across_name: str, value_name: str, across: _Axis, up: _Axis) -> Iterator[str]:
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
    yield _label(middle, 18, title, more=' font-weight="600"')
    yield _label(middle, _HEIGHT - 8, across_name)
    yield _label(14, centre, value_name, more=f' transform="rotate(-90 14 {centre:.0f})"')


def _lines(series: Sequence[Series], across: _Axis, up: _Axis) -> Iterator[str]:
    for number, one in enumerate(series):
        if not one:
            continue
        pixels = [(across.pixel(x), up.pixel(y)) for x, y in one]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in pixels)
        yield f'<polyline fill="none" stroke="{_colour(number)}" stroke-width="1.5" points="{points}"/>'
        if len(pixels) <= _MOST_DOTS:
            for x, y in pixels:
                yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{_colour(number)}"/>'


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>'


def _label(x: float, y: float, text: str, *, anchor: str = "middle", more: str = "") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}"{more}>{html.escape(text)}</text>'


def _colour(number: int) -> str:
    return _COLOURS[number % len(_COLOURS)]
