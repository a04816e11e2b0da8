"""What a chart shows of runs: any metric by step, time or epoch, smoothed if asked."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from yard.runs.comparison import RATES, Curve, Point

By = Literal["step", "time", "epoch"]
_MOST_DRAWN = 1e200
"""Above it, the arithmetic of the axes ends; neither infinity nor nan is below it."""
AXES: dict[By, str] = {"step": "step", "time": "seconds since the first step", "epoch": "epoch"}

Series = Sequence[tuple[float, float]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """One picture: a title, the names of its axes, and a line per run or node."""

    title: str
    across: str
    up: str
    lines: Sequence[Series]
    """In the order of the runs, so that each keeps its colour; empty for one that has nothing to show."""
    smooth: Sequence[Series] = ()
    """The same, smoothed; drawn over the lines, which are then faint."""
    names: Sequence[str] = ()
    """The lines' names, where there are several."""
    marks: Sequence[Series] = ()
    """Points without a line between them, in the colours of the lines."""

    @property
    def is_empty(self) -> bool:
        """Whether no run has anything to show."""
        return not any(self.lines)


def rate(point: Point) -> float | None:
    """Tokens or samples per second."""
    return next((point.metrics[name] for name in RATES if name in point.metrics), None)


def metric(name: str) -> Callable[[Point], float | None]:
    """Reads a metric of a point."""
    return lambda point: point.metrics.get(name)


def chart(
    title: str, up: str, curves: Sequence[Curve], by: By, value: Callable[[Point], float | None], smooth: float = 0.0
) -> Chart:
    """One value of several runs."""
    lines = [_series(curve, by, value) for curve in curves]
    smoothed = [smoothed_line(line, smooth) for line in lines] if smooth else []
    names = [curve.label for curve in curves] if len(curves) > 1 else []
    return Chart(title=f"{title} by {by}", across=AXES[by], up=up, lines=lines, smooth=smoothed, names=names)


def smoothed_line(line: Series, weight: float) -> Series:
    """An exponential mean: `weight` of what was, the rest of what is; the beginning is not drawn towards zero."""
    found, mean, seen = [], 0.0, 0.0
    for x, y in line:
        mean, seen = mean * weight + y * (1 - weight), seen * weight + (1 - weight)
        found.append((x, mean / seen))
    return found


def _series(curve: Curve, by: By, value: Callable[[Point], float | None]) -> Series:
    across = _epochs(curve.points) if by == "epoch" else (_place(point, by) for point in curve.points)
    pairs = ((x, value(point)) for x, point in zip(across, curve.points, strict=True))
    return [
        (x, y) for x, y in pairs if x is not None and y is not None and abs(x) < _MOST_DRAWN and abs(y) < _MOST_DRAWN
    ]


def _place(point: Point, by: By) -> float:
    return point.step if by == "step" else point.seconds


def _epochs(points: Sequence[Point]) -> Iterator[float | None]:
    """Where in its epoch each point is: the fraction that the program says, else its share of the points in it."""
    said: list[float | None] = []
    for point in points:
        said.append(point.metrics.get("epoch", said[-1] if said else None))
    for epoch, group in groupby(said):
        count = len(list(group))
        for number in range(count):
            yield None if epoch is None else epoch + number / count if epoch.is_integer() else epoch
