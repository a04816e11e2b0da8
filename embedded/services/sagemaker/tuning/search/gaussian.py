"""A Gaussian process over the points of a search, in plain Python: a search has hundreds of points, not thousands.

Matern 5/2 kernel with a length of its own for each parameter; lengths and noise are those under which the observed
values are most probable, found by a walk along one parameter after the other.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul

from embedded.services.sagemaker.tuning.search.space import Point, Space

_JITTER = 1e-6
_FACTORS = (6.0, 1 / 6.0, 2.0, 0.5)
_LOG_LENGTH_SPREAD = 1.5
_USUAL_WEIGHT = 4.0
"""Of a squared distance in the kernel: a length of half of the range."""
_USUAL_NOISE = 1e-3

Rows = list[list[float]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """What the process takes from the values: how fast they change along each parameter, and how exact they are."""

    weights: tuple[float, ...]
    noise: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """One observation; lower is better."""

    point: Point
    value: float
    noise: float = 0.0
    """How much less it says than one of this search, as a variance: for searches over other data."""


def usual_shape(space: Space) -> Shape:
    """The shape before anything was seen."""
    return Shape(weights=(_USUAL_WEIGHT,) * len(space.parameters), noise=_USUAL_NOISE)


class Process:
    """The process after some observations."""

    def __init__(self, space: Space, seen: Sequence[Seen], shape: Shape) -> None:
        self._space, self._seen, self._shape = space, seen, shape
        pairs = _distances(space, [one.point for one in seen])
        solved = _solve(pairs, seen, shape)
        assert solved is not None, "the jitter keeps the matrix regular"
        self._rows, self._half, self._variance = solved
        self._weights = _backward(self._rows, self._half)

    def predict(self, point: Point) -> tuple[float, float]:
        """The mean and the standard deviation at a point."""
        kernel = [_kernel(self._shape.weights, self._between(point, one.point)) for one in self._seen]
        mean = _dot(kernel, self._weights)
        half = _forward(self._rows, kernel)
        left = max(1e-12, 1.0 - _dot(half, half))
        return mean, math.sqrt(left * self._variance)

    def _between(self, one: Point, other: Point) -> list[float]:
        parameters = zip(self._space.parameters, one, other, strict=True)
        return [parameter.distance(here, there) for parameter, here, there in parameters]


def fitted(space: Space, seen: Sequence[Seen], start: Shape) -> Shape:
    """The most probable shape, from another one on."""
    pairs = _distances(space, [one.point for one in seen])
    best, score = start, _score(pairs, seen, start)
    for factor in _FACTORS:
        for place in range(len(space.parameters) + 1):
            candidate = _with_change(best, place, factor)
            found = _score(pairs, seen, candidate)
            if found < score:
                best, score = candidate, found
    return best


def _with_change(shape: Shape, place: int, factor: float) -> Shape:
    if place == len(shape.weights):
        return Shape(weights=shape.weights, noise=min(0.3, max(1e-6, shape.noise * factor * factor)))
    weights = list(shape.weights)
    weights[place] = min(1e4, max(1e-3, weights[place] * factor))
    return Shape(weights=tuple(weights), noise=shape.noise)


def _score(pairs: list[list[list[float]]], seen: Sequence[Seen], shape: Shape) -> float:
    """How improbable the values are under a shape, but for a constant; lengths far from the usual cost something."""
    solved = _solve(pairs, seen, shape)
    if solved is None:
        return math.inf
    rows, _, variance = solved
    unusual = sum((math.log(weight / _USUAL_WEIGHT) / _LOG_LENGTH_SPREAD / 2) ** 2 for weight in shape.weights) / 2
    unusual += (math.log(shape.noise / _USUAL_NOISE) / 4) ** 2 / 2
    return len(seen) / 2 * math.log(variance) + sum(math.log(row[-1]) for row in rows) + unusual


def _solve(
    pairs: list[list[list[float]]], seen: Sequence[Seen], shape: Shape
) -> tuple[Rows, list[float], float] | None:
    matrix = [[_kernel(shape.weights, distances) for distances in row] for row in pairs]
    for row, one in zip(matrix, seen, strict=True):
        row[-1] += shape.noise + one.noise + _JITTER
    rows = _cholesky(matrix)
    if rows is None:
        return None
    half = _forward(rows, [one.value for one in seen])
    # as if two values of variance 1 had been seen before
    return rows, half, (_dot(half, half) + 2.0) / (len(seen) + 2)


def _distances(space: Space, points: Sequence[Point]) -> list[list[list[float]]]:
    """The squared distance along each parameter between each point and those up to itself."""
    parameters = space.parameters
    return [
        [
            [parameter.distance(here, there) for parameter, here, there in zip(parameters, one, other, strict=True)]
            for other in points[: index + 1]
        ]
        for index, one in enumerate(points)
    ]


def _kernel(weights: Sequence[float], distances: Sequence[float]) -> float:
    root = math.sqrt(5.0 * _dot(weights, distances))
    return (1.0 + root + root * root / 3.0) * math.exp(-root)


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return float(sum(map(mul, one, other)))


def _cholesky(matrix: Rows) -> Rows | None:
    """The lower triangle whose square is the matrix, of which only the lower triangle is read."""
    rows: Rows = []
    for line in matrix:
        made: list[float] = []
        for value, above in zip(line[:-1], rows, strict=True):
            made.append((value - _dot(made, above)) / above[-1])
        rest = line[-1] - _dot(made, made)
        if rest <= 0:
            return None
        made.append(math.sqrt(rest))
        rows.append(made)
    return rows


def _forward(rows: Rows, values: Sequence[float]) -> list[float]:
    solved: list[float] = []
    for row, value in zip(rows, values, strict=True):
        solved.append((value - _dot(solved, row)) / row[-1])
    return solved


def _backward(rows: Rows, values: Sequence[float]) -> list[float]:
    rest = list(values)
    for index in range(len(rows) - 1, -1, -1):
        row = rows[index]
        rest[index] /= row[-1]
        for column in range(index):
            rest[column] -= row[column] * rest[index]
    return rest
