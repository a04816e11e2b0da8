"""Curves as one HTML file that opens anywhere: plain SVG, no library, nothing from the network."""

import html
from collections.abc import Callable, Sequence

from yard.comparison import RATES, Curve, Point

_WIDTH, _HEIGHT, _MARGIN = 560, 300, 48
_COLOURS = ("#1b6ca8", "#c8553d", "#3d8b5a", "#8a5aa8", "#b08a1e", "#555555")

Series = list[tuple[float, float]]


def page(curves: Sequence[Curve], differences: Sequence[tuple[str, Sequence[object]]]) -> str:
    """The whole page: what differs on top, then loss and throughput over steps and over time."""
    heads = "".join(f'<th style="color:{_colour(n)}">{html.escape(c.run_id)}</th>' for n, c in enumerate(curves))
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td>" + "".join(f"<td>{html.escape(str(v))}</td>" for v in values) + "</tr>"
        for name, values in differences
    )
    charts = "".join(
        _chart(title, [_series(curve, across, value) for curve in curves])
        for title, across, value in (
            ("loss by step", _step, _loss),
            ("loss by second", _seconds, _loss),
            ("throughput by step", _step, _rate),
            ("throughput by second", _seconds, _rate),
        )
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Runs compared</title>'
        "<style>body{font:14px sans-serif;margin:2em}table{border-collapse:collapse;margin-bottom:1em}"
        "td,th{padding:2px 12px 2px 0;text-align:left}svg{margin:0 1em 1em 0}</style>"
        f"<table><tr><th></th>{heads}</tr>{rows}</table>{charts}</html>\n"
    )


def _step(point: Point) -> float:
    return point.step


def _seconds(point: Point) -> float:
    return point.seconds


def _loss(point: Point) -> float | None:
    return point.metrics.get("loss")


def _rate(point: Point) -> float | None:
    return next((point.metrics[name] for name in RATES if name in point.metrics), None)


def _series(curve: Curve, across: Callable[[Point], float], value: Callable[[Point], float | None]) -> Series:
    pairs = ((across(point), value(point)) for point in curve.points)
    return [(x, y) for x, y in pairs if y is not None]


def _chart(title: str, series: Sequence[Series]) -> str:
    points = [point for one in series for point in one]
    if not points:
        return f"<p>{html.escape(title)}: no run printed it.</p>"
    xs, ys = [x for x, _ in points], [y for _, y in points]
    left, right, low, high = min(xs), max(xs), min(ys), max(ys)

    def place(x: float, y: float) -> str:
        across = _MARGIN + (x - left) / ((right - left) or 1) * (_WIDTH - 2 * _MARGIN)
        up = _HEIGHT - _MARGIN - (y - low) / ((high - low) or 1) * (_HEIGHT - 2 * _MARGIN)
        return f"{across:.1f},{up:.1f}"

    lines = "".join(
        f'<polyline fill="none" stroke="{_colour(n)}" stroke-width="1.5" points="{" ".join(place(*p) for p in one)}"/>'
        for n, one in enumerate(series)
        if one
    )
    labels = _label(_MARGIN, _HEIGHT - 20, f"{left:g}") + _label(_WIDTH - _MARGIN, _HEIGHT - 20, f"{right:g}")
    labels += _label(4, _HEIGHT - _MARGIN, f"{low:.4g}") + _label(4, _MARGIN, f"{high:.4g}")
    labels += _label(_WIDTH / 2 - 60, 20, title)
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" role="img" aria-label="{html.escape(title)}">{lines}{labels}</svg>'
    )


def _label(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" font-size="12">{html.escape(text)}</text>'


def _colour(number: int) -> str:
    return _COLOURS[number % len(_COLOURS)]
