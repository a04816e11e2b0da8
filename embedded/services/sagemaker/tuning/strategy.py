"""A search by the strategy that the request names: what to try next, given what the training jobs have shown."""

import random
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from embedded.services.sagemaker.tuning.definition import Definition
from embedded.services.sagemaker.tuning.job import TuningJob
from embedded.services.sagemaker.tuning.search.bayesian import Bayesian
from embedded.services.sagemaker.tuning.search.gaussian import Seen
from embedded.services.sagemaker.tuning.search.space import Point
from embedded.services.sagemaker.tuning.trials import Trial

_TRANSFER_NOISE = 0.1
"""What a result over other data says less than one of this search, as a variance of standardised values."""
_SCALE_KNOWN = 3
"""Results from which a scale can be told."""
_DIFFERENT_TRIES = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """What to try next."""

    values: Mapping[str, str]
    point: Point | None


class Strategy(Protocol):
    """One definition's search."""

    def propose(self, number: int, trials: Sequence[Trial]) -> Proposal | None:
        """What the definition's training job `number` should try, from 0 on; None when there is nothing left."""


class GridSearch:
    """Every combination once."""

    def __init__(self, definition: Definition) -> None:
        self._left: Iterator[dict[str, str]] = definition.space.combinations()

    def propose(self, number: int, trials: Sequence[Trial]) -> Proposal | None:
        """The next combination, in the order of the request."""
        values = next(self._left, None)
        return None if values is None else Proposal(values=values, point=None)


class RandomSearch:
    """Independent of all results, and so the same whenever it starts from the same seed."""

    def __init__(self, definition: Definition, seed: str) -> None:
        self._space, self._seed = definition.space, seed
        self._given: set[tuple[str, ...]] = set()

    def propose(self, number: int, trials: Sequence[Trial]) -> Proposal | None:
        """Values that were not given before, as long as some are easily found."""
        dice = random.Random(f"{self._seed}/{number}")
        for _ in range(_DIFFERENT_TRIES):
            point = self._space.sample(dice)
            values = self._space.decode(point)
            if tuple(values.values()) not in self._given:
                break
        self._given.add(tuple(values.values()))
        return Proposal(values=values, point=point)


class BayesianSearch:
    """By what this search and its parents have shown."""

    def __init__(self, definition: Definition, seed: str, parents: Sequence[Sequence[Seen]], *, same: bool) -> None:
        """`parents` holds each parent's results; `same` says whether they are of the same data."""
        self._space, self._parents, self._same = definition.space, parents, same
        self._search = Bayesian(definition.space, seed)

    def propose(self, number: int, trials: Sequence[Trial]) -> Proposal | None:
        """Where the greatest improvement is expected."""
        ended = [trial for trial in trials if trial.objective_status == "Succeeded"]
        seen = [Seen(point=trial.point, value=trial.losses[-1]) for trial in ended if trial.point is not None]
        pending = [trial.point for trial in trials if trial.objective_status == "Pending" and trial.point is not None]
        inherited = self._parents if self._same else [_translated(parent, seen) for parent in self._parents]
        known = [one for parent in inherited for one in parent]
        point = self._search.suggest(number, [*known, *seen], pending)
        return Proposal(values=self._space.decode(point), point=self._space.snapped(point))


def _translated(parent: Sequence[Seen], seen: Sequence[Seen]) -> Sequence[Seen]:
    """A parent's results over other data, on this search's scale once that is known, and with less weight."""
    if len(seen) < _SCALE_KNOWN or len(parent) < _SCALE_KNOWN:
        return [replace(one, noise=_TRANSFER_NOISE) for one in parent]
    theirs, ours = [one.value for one in parent], [one.value for one in seen]
    ratio = statistics.pstdev(ours) / (statistics.pstdev(theirs) or 1.0)
    shift = statistics.fmean(ours) - ratio * statistics.fmean(theirs)
    return [replace(one, value=ratio * one.value + shift, noise=_TRANSFER_NOISE) for one in parent]


def strategies(job: TuningJob) -> list[Strategy]:
    """The search of each of a tuning job's definitions."""
    config = job.config
    seed = str(config["RandomSeed"]) if "RandomSeed" in config else job.arn + job.created.isoformat()
    return [_strategy(job, definition, f"{seed}/{index}") for index, definition in enumerate(job.definitions)]


def _strategy(job: TuningJob, definition: Definition, seed: str) -> Strategy:
    name = job.config["Strategy"]
    if name == "Grid":
        return GridSearch(definition)
    if name == "Bayesian":
        same = job.request.get("WarmStartConfig", {}).get("WarmStartType") == "IdenticalDataAndAlgorithm"
        parents = [_results(parent, definition) for parent in job.parents]
        return BayesianSearch(definition, seed, parents, same=same)
    return RandomSearch(definition, seed)


def _results(parent: TuningJob, definition: Definition) -> list[Seen]:
    """What a parent's own training jobs have shown; what it had from its parents is not its own to tell."""
    found = []
    for trial in parent.finished():
        point = definition.space.encode({**trial.definition.statics, **trial.values})
        if point is not None:
            found.append(Seen(point=point, value=trial.losses[-1]))
    return found
