"""`python -m benchmarks automl`: three tables of scikit-learn, AutoML against the best of a grid by hand in equal time.

A third of the rows is seen by neither; how well it is predicted counts, as the mean over some such thirds: of one, two
rows more or less would decide. Time is the processor's, of one thread, so that a machine at load gives both the same.
"""

import csv
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from threadpoolctl import threadpool_limits

from benchmarks._report import Figure, report
from training.automl.candidates import order, prepare
from training.automl.search import search
from training.automl.stacking import build, choose
from training.automl.table import Column, read_table

_TREES = {"n_estimators": [100], "min_samples_leaf": [1, 3], "max_features": ["sqrt", 0.5], "random_state": [0]}
_BOOSTING = {"learning_rate": [0.05, 0.1], "max_leaf_nodes": [8, 31], "random_state": [0]}
_KERNEL = {"C": [0.1, 1, 10, 100]}
CLASSES: tuple[tuple[Any, dict[str, list[Any]]], ...] = (
    (RandomForestClassifier(), _TREES),
    (HistGradientBoostingClassifier(), _BOOSTING),
    (LogisticRegression(max_iter=500), {"C": [0.01, 0.1, 1, 10]}),
    (SVC(), _KERNEL),
)
QUANTITIES: tuple[tuple[Any, dict[str, list[Any]]], ...] = (
    (RandomForestRegressor(), _TREES),
    (HistGradientBoostingRegressor(), _BOOSTING),
    (Ridge(), {"alpha": [0.01, 0.1, 1, 10, 100]}),
    (SVR(), _KERNEL),
)
TABLES: dict[str, tuple[Callable[..., Any], tuple[tuple[Any, dict[str, list[Any]]], ...], Callable[..., float]]] = {
    "breast cancer": (load_breast_cancer, CLASSES, accuracy_score),
    "wine": (load_wine, CLASSES, accuracy_score),
    "diabetes": (load_diabetes, QUANTITIES, r2_score),
}


SPLITS = 10
"""How many times a third is set aside."""


def main() -> int:
    """Measure and report."""
    with threadpool_limits(1):
        figures = [figure for name in TABLES for figure in _compare(name)]
    notes = (
        f"score: accuracy, or R2, the mean over {SPLITS} thirds set aside; both had the processor time that the grid "
        "takes, cross-validation and last fit included"
    )
    return report("automl", figures, notes=notes)


def _compare(name: str) -> list[Figure]:
    rounds = [_round(name, seed) for seed in range(SPLITS)]
    by_hand, found, seconds, took = (statistics.fmean(values) for values in zip(*rounds, strict=True))
    return [
        Figure(name=f"{name}: the grid's best", value=by_hand, unit="score"),
        Figure(name=f"{name}: AutoML", value=found, unit="score"),
        Figure(
            name=f"{name}: worse than the grid's best by", value=(by_hand - found) / by_hand, unit="of it", at_most=0.01
        ),
        Figure(name=f"{name}: AutoML's time to the grid's", value=took / seconds, unit="times", at_most=1.1),
    ]


def _round(name: str, seed: int) -> tuple[float, float, float, float]:
    """One third set aside: the score of the grid and of AutoML, and the processor time of each."""
    load, grids, score = TABLES[name]
    matrix, values = load(return_X_y=True)
    learn, test, learn_values, test_values = train_test_split(matrix, values, test_size=1 / 3, random_state=seed)
    began = time.process_time()
    by_hand = score(test_values, _grid(grids, learn, learn_values).predict(test))
    seconds = time.process_time() - began
    began = time.process_time()
    predicted = _automl(learn, learn_values, test, seconds)
    took = time.process_time() - began
    found = score(test_values, predicted.astype(float))
    print(f"{name}, {seed}: grid {by_hand:.4f} in {seconds:.1f} s, AutoML {found:.4f} in {took:.1f} s", flush=True)
    return by_hand, found, seconds, took


def _grid(grids: tuple[tuple[Any, dict[str, list[Any]]], ...], matrix: Any, values: Any) -> Any:
    searches = [
        GridSearchCV(
            make_pipeline(StandardScaler(), model),
            {f"{type(model).__name__.lower()}__{key}": one for key, one in grid.items()},
        ).fit(matrix, values)
        for model, grid in grids
    ]
    return max(searches, key=lambda one: one.best_score_)


def _automl(matrix: Any, values: Any, test: Any, seconds: float) -> Any:
    names = [f"c{index}" for index in range(matrix.shape[1])]
    began = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([*names, "target"])
            writer.writerows([*row, value] for row, value in zip(matrix.tolist(), values.tolist(), strict=True))
        data = prepare(read_table([path], "target"))
    found = search(data, seconds=seconds - (time.process_time() - began), clock=time.process_time)
    stack = build(data, choose(data, order(found.candidates)))
    cells = {name: tuple(repr(value) for value in column) for name, column in zip(names, test.T.tolist(), strict=True)}
    columns = [Column(name=one.name, kind=one.kind, values=cells[one.name]) for one in stack.columns]
    return np.asarray(stack.predict(columns))


if __name__ == "__main__":
    sys.exit(main())
