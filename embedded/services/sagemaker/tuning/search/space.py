"""The ranges of a search, and how a value in one of them becomes a coordinate from 0 to 1 and back."""

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Point = tuple[float, ...]
Scaling = Literal["Linear", "Logarithmic", "ReverseLogarithmic"]

_AUTO_LOGARITHMIC = 1000.0
"""A range whose ends differ by this factor or more is searched by orders of magnitude when its scaling is Auto."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Number:
    """An integer or a continuous parameter."""

    name: str
    low: float
    high: float
    scaling: Scaling = "Linear"
    is_whole: bool = False

    def sample(self, dice: random.Random) -> float:
        """A random coordinate."""
        return dice.random()

    def decode(self, coordinate: float) -> str:
        """The value at a coordinate, as training jobs get it."""
        low, high = self._ends()
        value = self._from_scale(low + min(1.0, max(0.0, coordinate)) * (high - low))
        value = min(self.high, max(self.low, value))
        return str(min(int(self.high), max(int(self.low), _rounded(value)))) if self.is_whole else repr(value)

    def encode(self, text: str) -> float | None:
        """The coordinate of a value; None for what is no number. A value outside of the range lies beyond 0 or 1."""
        try:
            value = float(text)
            low, high = self._ends()
            coordinate = 0.0 if high == low else (self._to_scale(value) - low) / (high - low)
        except (ValueError, OverflowError):
            return None
        return coordinate if math.isfinite(coordinate) else None

    def distance(self, one: float, other: float) -> float:
        """How far two coordinates are apart, squared."""
        return (one - other) ** 2

    def moved(self, coordinate: float, width: float, dice: random.Random) -> float:
        """A coordinate near another."""
        return min(1.0, max(0.0, coordinate + dice.gauss(0.0, width)))

    def _ends(self) -> tuple[float, float]:
        # each whole number gets an equal share of the scale, those at the ends too
        margin = 0.4999 if self.is_whole else 0.0
        return self._to_scale(self.low - margin), self._to_scale(self.high + margin)

    def _to_scale(self, value: float) -> float:
        if self.scaling == "Logarithmic":
            return math.log(value)
        return -math.log1p(-value) if self.scaling == "ReverseLogarithmic" else value

    def _from_scale(self, value: float) -> float:
        if self.scaling == "Logarithmic":
            return math.exp(value)
        return -math.expm1(-value) if self.scaling == "ReverseLogarithmic" else value


@dataclass(frozen=True, kw_only=True, slots=True)
class Category:
    """A categorical parameter; its coordinate is the place of the value in the list."""

    name: str
    values: tuple[str, ...]

    def sample(self, dice: random.Random) -> float:
        """A random coordinate."""
        return float(dice.randrange(len(self.values)))

    def decode(self, coordinate: float) -> str:
        """The value at a coordinate."""
        return self.values[int(coordinate)]

    def encode(self, text: str) -> float | None:
        """The coordinate of a value; None for one that is not in the list."""
        return float(self.values.index(text)) if text in self.values else None

    def distance(self, one: float, other: float) -> float:
        """Two values are equal, or as far apart as any others."""
        return 0.0 if one == other else 1.0

    def moved(self, coordinate: float, width: float, dice: random.Random) -> float:
        """The same value mostly, otherwise any."""
        return self.sample(dice) if dice.random() < min(0.5, width) else coordinate


Parameter = Number | Category


@dataclass(frozen=True, kw_only=True, slots=True)
class Space:
    """All parameters of a search. A point has one coordinate per parameter."""

    parameters: tuple[Parameter, ...]

    def sample(self, dice: random.Random) -> Point:
        """A random point."""
        return tuple(parameter.sample(dice) for parameter in self.parameters)

    def decode(self, point: Point) -> dict[str, str]:
        """The values at a point, by the parameters' names."""
        pairs = zip(self.parameters, point, strict=True)
        return {parameter.name: parameter.decode(coordinate) for parameter, coordinate in pairs}

    def encode(self, values: Mapping[str, str]) -> Point | None:
        """The point of some values; None where a parameter is missing or cannot have its value."""
        found = [
            parameter.encode(values[parameter.name]) if parameter.name in values else None
            for parameter in self.parameters
        ]
        known = [coordinate for coordinate in found if coordinate is not None]
        return tuple(known) if len(known) == len(found) else None

    def snapped(self, point: Point) -> Point:
        """The point that training jobs really get: whole numbers are rounded."""
        encoded = self.encode(self.decode(point))
        assert encoded is not None
        return encoded

    def combinations(self) -> Iterator[dict[str, str]]:
        """Every combination of categorical values, in the order of the request; the last parameter changes fastest."""
        yield from _combinations([parameter for parameter in self.parameters if isinstance(parameter, Category)])


def _combinations(parameters: Sequence[Category]) -> Iterator[dict[str, str]]:
    if not parameters:
        yield {}
        return
    for value in parameters[0].values:
        for rest in _combinations(parameters[1:]):
            yield {parameters[0].name: value, **rest}


def read_space(ranges: Mapping[str, Any]) -> Space:
    """The space of a request's ParameterRanges, which were checked before."""
    numbers = [
        Number(
            name=entry["Name"],
            low=float(entry["MinValue"]),
            high=float(entry["MaxValue"]),
            scaling=_scaling(entry),
            is_whole=kind == "IntegerParameterRanges",
        )
        for kind in ("IntegerParameterRanges", "ContinuousParameterRanges")
        for entry in ranges.get(kind, ())
    ]
    categories = [
        Category(name=entry["Name"], values=tuple(entry["Values"]))
        for entry in ranges.get("CategoricalParameterRanges", ())
    ]
    return Space(parameters=(*numbers, *categories))


def _scaling(entry: Mapping[str, str]) -> Scaling:
    asked = entry.get("ScalingType", "Auto")
    if asked == "Logarithmic":
        return "Logarithmic"
    if asked == "ReverseLogarithmic":
        return "ReverseLogarithmic"
    low, high = float(entry["MinValue"]), float(entry["MaxValue"])
    return "Logarithmic" if asked == "Auto" and low > 0 and high / low >= _AUTO_LOGARITHMIC else "Linear"


def _rounded(value: float) -> int:
    return math.floor(value + 0.5)
