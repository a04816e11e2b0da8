"""A weighted mean of candidates: the weights are chosen on rows that none of the models has seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from training.automl.candidates import Candidate, Data, loss, model_of, predict
from training.automl.preparation import Matrix, raw_matrix
from training.automl.table import Column, Problem

_ROUNDS = 25


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A candidate of the mean."""

    candidate: Candidate
    weight: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Stack:
    """What is predicted with in the end; kept as a file."""

    columns: tuple[Column, ...]
    classes: Matrix
    problem: Problem
    models: tuple[tuple[float, Any], ...]
    """The weight of each, and the model."""

    def scores(self, columns: Sequence[Column]) -> Matrix:
        """The classes' probabilities, or the values, for the rows of some columns."""
        return self.scores_of(raw_matrix(columns))

    def scores_of(self, matrix: Matrix) -> Matrix:
        """The same for a matrix of them."""
        weighted = [weight * predict(model, matrix, self.classes) for weight, model in self.models]
        return np.asarray(np.sum(weighted, axis=0))

    def predict(self, columns: Sequence[Column]) -> Matrix:
        """The most probable classes, or the values."""
        scores = self.scores(columns)
        return scores[:, 0] if self.problem == "regression" else self.classes[np.argmax(scores, axis=1)]


def choose(data: Data, candidates: Sequence[Candidate]) -> list[Member]:
    """Add, again and again, the candidate that makes the mean best; one may be added several times."""
    chosen: list[int] = []
    total = np.zeros_like(candidates[0].predictions)
    best = np.inf
    for count in range(1, _ROUNDS + 1):
        losses = [loss(data, (total + one.predictions) / count) for one in candidates]
        index = int(np.argmin(losses))
        if losses[index] >= best - 1e-9:
            break
        best = losses[index]
        chosen.append(index)
        total = total + candidates[index].predictions
    return [
        Member(candidate=candidates[index], weight=chosen.count(index) / len(chosen)) for index in dict.fromkeys(chosen)
    ]


def mean_of(members: Sequence[Member]) -> Matrix:
    """What the mean predicts for the rows of the table."""
    return np.asarray(np.sum([member.weight * member.candidate.predictions for member in members], axis=0))


def build(data: Data, members: Sequence[Member]) -> Stack:
    """Train each member on all rows."""
    models = []
    for member in members:
        model = model_of(data, member.candidate.family, member.candidate.settings)
        models.append((member.weight, model.fit(data.matrix, data.values)))
    empty = tuple(Column(name=one.name, kind=one.kind, values=()) for one in data.columns)
    return Stack(columns=empty, classes=data.classes, problem=data.problem, models=tuple(models))
