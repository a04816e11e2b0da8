"""One candidate: a family with settings, judged on rows that it has not learnt from."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, log_loss, r2_score, root_mean_squared_error
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import Pipeline

from training.automl.families import Settings, family
from training.automl.preparation import Matrix, raw_matrix, targets, transformer
from training.automl.table import Column, Problem, Table

_FOLDS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Data:
    """A table as candidates take it."""

    columns: tuple[Column, ...]
    matrix: Matrix
    values: Matrix
    problem: Problem
    folds: tuple[tuple[Matrix, Matrix], ...]
    """The rows to learn from and those to judge by, of each fold; the same for every candidate."""

    @property
    def classes(self) -> Matrix:
        """The classes, in order; none for a regression."""
        return np.unique(self.values) if self.problem == "classification" else np.array([])


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A candidate that was judged."""

    family: str
    settings: Settings
    predictions: Matrix
    """For each row, by a model that has not seen it: the classes' probabilities, or the value."""
    loss: float
    seconds: float

    @property
    def name(self) -> str:
        """For people: the family and its settings."""
        return f"{self.family}({', '.join(f'{key}={value:g}' for key, value in self.settings.items())})"


def prepare(table: Table) -> Data:
    """The table's usable columns, and its folds."""
    columns = tuple(column for column in table.columns if column.kind in ("number", "category", "date"))
    values = targets(table)
    if table.problem == "classification":
        rarest = min(int((values == one).sum()) for one in np.unique(values))
        # a class that is rarer than there are folds is in some of them alone
        splitter: Any = StratifiedKFold(_FOLDS, shuffle=True, random_state=0) if rarest >= _FOLDS else None
    else:
        splitter = None
    if splitter is None:
        splitter = KFold(_FOLDS, shuffle=True, random_state=0)
    matrix = raw_matrix(columns)
    folds = tuple(splitter.split(matrix, values))
    return Data(columns=columns, matrix=matrix, values=values, problem=table.problem, folds=folds)


def model_of(data: Data, name: str, settings: Settings) -> Pipeline:
    """A model that has learnt nothing yet, with the preparation of its columns."""
    return Pipeline([("prepare", transformer(data.columns)), ("model", family(name).build(data.problem, settings))])


def judge(data: Data, name: str, settings: Settings) -> Candidate:
    """Train a model for each fold, and predict the rows that it has not seen."""
    began = time.monotonic()
    width = max(1, len(data.classes))
    predictions = np.zeros((len(data.values), width))
    for learn, test in data.folds:
        model = model_of(data, name, settings)
        model.fit(data.matrix[learn], data.values[learn])
        predictions[test] = predict(model, data.matrix[test], data.classes)
    return Candidate(
        family=name,
        settings=dict(settings),
        predictions=predictions,
        loss=loss(data, predictions),
        seconds=time.monotonic() - began,
    )


def predict(model: Any, matrix: Matrix, classes: Matrix) -> Matrix:
    """A column per class, those too that the model has never seen; or one column."""
    if len(classes) == 0:
        return np.asarray(model.predict(matrix), dtype=float).reshape(-1, 1)
    found = np.zeros((len(matrix), len(classes)))
    found[:, np.searchsorted(classes, model.classes_)] = model.predict_proba(matrix)
    return found


def loss(data: Data, predictions: Matrix) -> float:
    """What candidates are compared by: log loss, or the root of the mean squared error."""
    if data.problem == "regression":
        return float(root_mean_squared_error(data.values, predictions[:, 0]))
    safe = np.clip(predictions, 1e-6, 1)
    return float(log_loss(data.values, safe / safe.sum(axis=1, keepdims=True), labels=data.classes))


def metrics(data: Data, predictions: Matrix) -> dict[str, float]:
    """What people want to know."""
    if data.problem == "regression":
        return {"rmse": loss(data, predictions), "r2": float(r2_score(data.values, predictions[:, 0]))}
    best = data.classes[np.argmax(predictions, axis=1)]
    return {"log_loss": loss(data, predictions), "accuracy": float(accuracy_score(data.values, best))}


def order(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Best first."""
    return sorted(candidates, key=lambda one: one.loss)
