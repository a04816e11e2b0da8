"""Bayesian search: where a Gaussian process expects the greatest improvement."""

import heapq
import math
import random
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from embedded.services.sagemaker.tuning.search.gaussian import Process, Seen, fitted, usual_shape
from embedded.services.sagemaker.tuning.search.space import Number, Point, Space

_MOST_SEEN = 100
"""More observations than these make the process slow and hardly wiser: the best and the newest are kept."""
_ANYWHERE = 200
_NEARBY = 100
_REFINEMENTS = 60
_OUTLIER = 2.0


class Bayesian:
    """A search by what is already known."""

    def __init__(self, space: Space, seed: str) -> None:
        self._space, self._seed = space, seed
        self._shape = usual_shape(space)

    def suggest(self, number: int, seen: Sequence[Seen], pending: Sequence[Point]) -> Point:
        """The point of training job `number`, which counts from 0. The values of `seen` are lower where better."""
        space, dice = self._space, random.Random(f"{self._seed}/{number}")
        if len(seen) + len(pending) < starting_points(space) or len(seen) < 2:
            return _spread(space, number, self._seed)
        known = _standardised(_most_telling(seen))
        self._shape = fitted(space, known, self._shape)
        process = Process(space, known, self._shape)
        best = min(process.predict(one.point)[0] for one in known)
        if pending:
            # jobs that still run are taken to end as expected, so that the same point is not proposed again
            believed = [Seen(point=point, value=process.predict(point)[0]) for point in pending]
            process = Process(space, [*known, *believed], self._shape)
        tried = {space.snapped(one.point) for one in seen if _inside(space, one.point)}
        tried.update(space.snapped(point) for point in pending)
        return _best_candidate(space, process, best, known, tried, dice)


def starting_points(space: Space) -> int:
    """How many points are spread out before the process is asked."""
    return min(10, len(space.parameters) + 3)


def _best_candidate(
    space: Space, process: Process, best: float, known: Sequence[Seen], tried: set[Point], dice: random.Random
) -> Point:
    leaders = [one.point for one in heapq.nsmallest(5, known, key=lambda one: one.value)]
    leaders = [point for point in leaders if _inside(space, point)]
    candidates = [space.sample(dice) for _ in range(_ANYWHERE)]
    candidates += [_near(space, dice.choice(leaders), dice, 0.1) for _ in range(_NEARBY) if leaders]
    scored = [(_improvement(process, point, best), point) for point in _untried(space, candidates, tried)]
    if not scored:
        return space.sample(dice)
    score, chosen = max(scored)
    for step in range(_REFINEMENTS):
        for point in _untried(space, [_near(space, chosen, dice, 0.1 * 0.93**step)], tried):
            found = _improvement(process, point, best)
            if found > score:
                score, chosen = found, point
    return chosen


def _untried(space: Space, points: Iterable[Point], tried: set[Point]) -> Iterator[Point]:
    for point in points:
        snapped = space.snapped(point)
        if snapped not in tried:
            yield snapped


def _near(space: Space, point: Point, dice: random.Random, width: float) -> Point:
    """A point near another: along one parameter, or along all."""
    only = dice.randrange(len(point)) if dice.random() < 0.5 else None
    return tuple(
        parameter.moved(coordinate, width, dice) if only in (None, index) else coordinate
        for index, (parameter, coordinate) in enumerate(zip(space.parameters, point, strict=True))
    )


def _improvement(process: Process, point: Point, best: float) -> float:
    """The logarithm of the expected improvement: where nothing is expected, candidates still differ."""
    mean, deviation = process.predict(point)
    better = (best - mean) / deviation
    if better < -6:
        return math.log(deviation) - better * better / 2 - 2 * math.log(-better)
    density = math.exp(-better * better / 2) / math.sqrt(2 * math.pi)
    return math.log(deviation * (better * (1 + math.erf(better / math.sqrt(2))) / 2 + density) + 1e-300)


def _standardised(seen: Sequence[Seen]) -> list[Seen]:
    """With mean 0 and variance 1; values that are much worse than most are cut: how bad they are tells nothing."""
    values = sorted(one.value for one in seen)
    middle = statistics.median(values)
    worst = middle + _OUTLIER * (middle - values[0])
    cut = [min(one.value, worst) for one in seen]
    mean, deviation = statistics.fmean(cut), statistics.pstdev(cut)
    scale = deviation if deviation > 0 else 1.0
    return [replace(one, value=(value - mean) / scale) for one, value in zip(seen, cut, strict=True)]


def _most_telling(seen: Sequence[Seen]) -> Sequence[Seen]:
    if len(seen) <= _MOST_SEEN:
        return seen
    newest = seen[-_MOST_SEEN // 2 :]
    rest = seen[: -_MOST_SEEN // 2]
    return [*heapq.nsmallest(_MOST_SEEN - len(newest), rest, key=lambda one: one.value), *newest]


def _spread(space: Space, number: int, seed: str) -> Point:
    """One of some points that lie apart: steps of irrational length, from a start that is the search's own."""
    start, dice = random.Random(seed), random.Random(f"{seed}/{number}")
    step = _step(len(space.parameters))
    return tuple(
        (start.random() + (number + 1) * step**-index) % 1.0
        if isinstance(parameter, Number)
        else parameter.sample(dice)
        for index, parameter in enumerate(space.parameters, start=1)
    )


def _step(count: int) -> float:
    """The number whose powers lie as evenly as can be in so many dimensions: for one, the golden ratio."""
    root = 2.0
    for _ in range(30):
        root = (1 + root) ** (1 / (count + 1))
    return root


def _inside(space: Space, point: Point) -> bool:
    pairs = zip(space.parameters, point, strict=True)
    return all(not isinstance(parameter, Number) or 0.0 <= coordinate <= 1.0 for parameter, coordinate in pairs)
