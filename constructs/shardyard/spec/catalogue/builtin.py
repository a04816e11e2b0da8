"""SageMaker's built-in algorithms: where their images lie, and what they take; dated data from AWS's own pages."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shardyard.spec.catalogue.data_files import read_data
from shardyard.spec.jobs.launched import LaunchedSpec

_raw: Any = read_data("builtin.json")

BUILTIN_DATE: str = _raw["date"]
"""When the data were written."""
BUILTIN_REGISTRIES: Mapping[str, Mapping[str, str]] = _raw["registries"]
"""The accounts by region; several algorithms share a table."""
BUILTIN_ACCOUNTS = frozenset(account for accounts in BUILTIN_REGISTRIES.values() for account in accounts.values())
"""All of these accounts: an image of one of them is a built-in algorithm's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tunable:
    """A hyperparameter that a search may choose, with the range that the guide recommends."""

    type: str
    """integer, continuous or categorical."""
    values: tuple[Any, ...]
    """The least and the largest, or every value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Numbers:
    """The numbers that a hyperparameter takes."""

    is_whole: bool
    least: float | None
    most: float | None
    above: float | None
    """More than this, and not this."""
    below: float | None
    words: tuple[str, ...]
    """What it takes besides, such as `auto`."""

    def takes(self, text: str) -> bool:
        """Whether a value, as the algorithm gets it, is allowed."""
        if text in self.words:
            return True
        try:
            value = int(text) if self.is_whole else float(text)
        except ValueError:
            return False
        return (
            math.isfinite(value)
            and (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )

    @property
    def says(self) -> str:
        """What is allowed, in words."""
        up_to = "to" if self.above is None else "up to"
        ends = {"from": self.least, "above": self.above, up_to: self.most, "below": self.below}
        limits = " ".join(f"{word} {end:.12g}" for word, end in ends.items() if end is not None)
        number = f"a {'whole ' if self.is_whole else ''}number {limits}".rstrip()
        return ", or ".join([number, *(word if word else "an empty text" for word in self.words)])


@dataclass(frozen=True, kw_only=True, slots=True)
class RequiredWith:
    """A hyperparameter without which another's value fails."""

    name: str
    where: str
    """The other hyperparameter."""
    values: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Algorithm:
    """One algorithm, as its pages describe it."""

    name: str
    repository: str
    registry: str
    """The table of accounts."""
    versions: tuple[str, ...]
    """The image's tags, the newest last."""
    required_channels: tuple[str, ...]
    optional_channels: tuple[str, ...]
    modes: tuple[str, ...]
    content_types: tuple[str, ...]
    required: tuple[str, ...]
    """Hyperparameters without which it fails."""
    choices: Mapping[str, tuple[str, ...]]
    """Hyperparameters that take one of these values, in letters of any size."""
    numbers: Mapping[str, Numbers]
    """Hyperparameters that take numbers."""
    required_with: tuple[RequiredWith, ...]
    tunable: Mapping[str, Tunable]
    metrics: Mapping[str, str]
    """What it prints of itself, each with the goal of a search for it."""
    gpu: bool
    several_instances: bool
    requests: tuple[str, ...]
    """The content types that a transform job may send to its model."""
    answers: tuple[str, ...]
    record_by_record: bool
    """Whether a request of several records fails."""
    multi_model: bool
    """Whether its container loads many models."""

    @property
    def channels(self) -> tuple[str, ...]:
        """Every channel that it reads."""
        return (*self.required_channels, *self.optional_channels)


def _algorithm(name: str, raw: Mapping[str, Any]) -> Algorithm:
    return Algorithm(
        name=name,
        repository=raw["repository"],
        registry=raw["registry"],
        versions=tuple(raw["versions"]),
        required_channels=tuple(raw["channels"]["required"]),
        optional_channels=tuple(raw["channels"]["optional"]),
        modes=tuple(raw["modes"]),
        content_types=tuple(raw["content_types"]),
        required=tuple(raw["required"]),
        choices={key: tuple(values) for key, values in raw["choices"].items()},
        numbers={key: _numbers(one) for key, one in raw["numbers"].items()},
        required_with=tuple(
            RequiredWith(name=one["name"], where=one["where"], values=tuple(one["is"])) for one in raw["required_with"]
        ),
        tunable={key: _tunable(one) for key, one in raw["tunable"].items()},
        metrics=raw["metrics"],
        gpu=raw["gpu"],
        several_instances=raw["several_instances"],
        requests=tuple(raw["transforms"]["requests"]),
        answers=tuple(raw["transforms"]["answers"]),
        record_by_record=raw["transforms"]["record_by_record"],
        multi_model=raw["multi_model"],
    )


def _numbers(raw: Mapping[str, Any]) -> Numbers:
    return Numbers(
        is_whole=raw.get("whole", False),
        least=raw.get("min"),
        most=raw.get("max"),
        above=raw.get("above"),
        below=raw.get("below"),
        words=tuple(raw.get("or", ())),
    )


def _tunable(raw: Mapping[str, Any]) -> Tunable:
    values = raw["values"] if raw["type"] == "categorical" else (raw["min"], raw["max"])
    return Tunable(type=raw["type"], values=tuple(values))


BUILTIN: Mapping[str, Algorithm] = {name: _algorithm(name, raw) for name, raw in _raw["algorithms"].items()}
"""Every algorithm by the name that a job's file gives it."""


def builtin_of(spec: LaunchedSpec) -> Algorithm | None:
    """The algorithm that a job runs; None for a job with another image."""
    return None if spec.image.builtin is None else BUILTIN[spec.image.builtin]


def builtin_name(algorithm: Algorithm, version: str | None) -> str:
    """`repository:tag` of its image, by default the newest."""
    return f"{algorithm.repository}:{algorithm.versions[-1] if version is None else version}"


def unknown_version(algorithm: Algorithm, version: str | None) -> str | None:
    """What is said of a version that the dated list does not know."""
    if version is None or version in algorithm.versions:
        return None
    return f"{algorithm.name} {version} is not on the list of {BUILTIN_DATE} ({', '.join(algorithm.versions)})"
