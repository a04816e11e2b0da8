"""Curves as one HTML file that opens anywhere, fits a phone and a printer, and asks the network for nothing."""

import html
from collections.abc import Iterator, Sequence

from yard.plots.series import By, Chart, chart, metric, rate
from yard.plots.svg import dot, draw
from yard.runs.comparison import RATES, Curve, metric_names, not_finite

STYLE = """
body{font:15px/1.4 system-ui,sans-serif;margin:1em auto;max-width:1100px;padding:0 1em;color:#222;background:#fff}
.wide{overflow-x:auto}
table{border-collapse:collapse;margin:0 0 1.5em}
caption{text-align:left;font-weight:600;padding:.2em 0}
th,td{padding:3px 16px 3px 0;text-align:left;border-bottom:1px solid #ddd;overflow-wrap:anywhere;min-width:6em}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,400px),1fr));gap:1em}
figure{margin:0;break-inside:avoid}
figcaption{font-size:13px}
svg{width:100%;height:auto}
text{font:13px system-ui,sans-serif;fill:#222}
@media print{body{margin:0;max-width:none}.charts{grid-template-columns:1fr 1fr}.wide{overflow:visible}}
"""

Rows = Sequence[tuple[str, Sequence[object]]]


def charts(
    curves: Sequence[Curve], *, metrics: Sequence[str] = (), by: By | None = None, smooth: float = 0.0
) -> Iterator[Chart]:
    """What to draw: these metrics or all, by one axis or by those that are usual for each."""
    names = list(metrics) if metrics else metric_names(curves)
    if not metrics and "loss" not in names:
        names.insert(0, "loss")
    for name in names:
        axes: Sequence[By] = (by,) if by is not None else ("step", "time") if name == "loss" else ("step",)
        for axis in axes:
            yield chart(_words(name).capitalize(), _words(name), curves, axis, metric(name), smooth)
    if not metrics:
        for axis in (by,) if by is not None else ("step", "time"):
            yield chart("Throughput", _rate_name(curves), curves, axis, rate, smooth)


def page(
    curves: Sequence[Curve],
    differences: Rows,
    outcome: Rows,
    shown: Sequence[Chart],
    *,
    machines: Sequence[Chart] = (),
) -> str:
    """The whole page: what differs, how the runs ended, the charts, and under them what the nodes did."""
    nothing = "" if differences or len(curves) < 2 else "<p>No setting differs.</p>"
    tables = _table("Settings that differ", curves, differences) if len(curves) > 1 else ""
    tables += nothing + _table("How they ended" if len(curves) > 1 else "How it ended", curves, outcome)
    runs = "1 run" if len(curves) == 1 else f"{len(curves)} runs"
    title = html.escape(f"{runs} of {', '.join(sorted({curve.job for curve in curves}))}")
    below = f"<h2>The nodes</h2>{fragment(machines)}" if machines else ""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<style>{STYLE}</style></head>\n<body><h1>{title}</h1>\n{tables}{_missing(curves)}{fragment(shown)}{below}"
        "</body></html>\n"
    )


def fragment(shown: Sequence[Chart]) -> str:
    """Charts for a page of somebody else's: of all sizes, side by side where there is room."""
    said = "".join(draw(one) for one in shown if one.is_empty)
    return f'{said}<div class="charts">{"".join(draw(one) for one in shown if not one.is_empty)}</div>\n'


def _table(caption: str, curves: Sequence[Curve], rows: Rows) -> str:
    heads = "".join(f'<th scope="col">{dot(n)} {html.escape(curve.label)}</th>' for n, curve in enumerate(curves))
    body = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th>'
        + "".join(f"<td>{html.escape(_text(value))}</td>" for value in values)
        + "</tr>\n"
        for name, values in rows
    )
    return f'<div class="wide"><table><caption>{caption}</caption><tr><td></td>{heads}</tr>\n{body}</table></div>\n'


def _text(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:,.5g}" if isinstance(value, float) else str(value)


def _rate_name(curves: Sequence[Curve]) -> str:
    found = {name for curve in curves for point in curve.points for name in RATES if name in point.metrics}
    return _words(found.pop()) if len(found) == 1 else "per second"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _missing(curves: Sequence[Curve]) -> str:
    """What no line can show."""
    counts = {name: not_finite(curves, name) for name in metric_names(curves)}
    return "".join(
        f"<p>{html.escape(_words(name))}: {count} value{'' if count == 1 else 's'} not drawn, nan or infinite.</p>\n"
        for name, count in counts.items()
        if count
    )
