"""The families of models that are tried, each with its settings: as ranges of a tuning job, and as a first guess."""

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.svm import SVC, SVR

from training.automl.table import Problem, TableError

Settings = Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """A family of models."""

    name: str
    build: Callable[[Problem, Settings], Any]
    guesses: tuple[Settings, ...]
    """Settings that are good on many tables, best first."""
    most_rows: int = 10**9
    """With more rows it would take too long."""


def _linear(problem: Problem, settings: Settings) -> Any:
    strength = settings["strength"]
    return LogisticRegression(C=1 / strength, max_iter=500) if problem == "classification" else Ridge(alpha=strength)


def _forest(problem: Problem, settings: Settings) -> Any:
    kind = RandomForestClassifier if problem == "classification" else RandomForestRegressor
    return kind(
        n_estimators=150, min_samples_leaf=int(settings["leaf"]), max_features=settings["share"], random_state=0
    )


def _extra(problem: Problem, settings: Settings) -> Any:
    kind = ExtraTreesClassifier if problem == "classification" else ExtraTreesRegressor
    return kind(
        n_estimators=150, min_samples_leaf=int(settings["leaf"]), max_features=settings["share"], random_state=0
    )


def _boosting(problem: Problem, settings: Settings) -> Any:
    kind = HistGradientBoostingClassifier if problem == "classification" else HistGradientBoostingRegressor
    return kind(
        learning_rate=settings["rate"],
        max_leaf_nodes=int(settings["leaves"]),
        l2_regularization=settings["strength"],
        early_stopping=True,
        random_state=0,
    )


def _neighbours(problem: Problem, settings: Settings) -> Any:
    kind = KNeighborsClassifier if problem == "classification" else KNeighborsRegressor
    return kind(n_neighbors=int(settings["count"]), weights="distance")


def _kernel(problem: Problem, settings: Settings) -> Any:
    if problem == "classification":
        return CalibratedClassifierCV(SVC(C=1 / settings["strength"], random_state=0), ensemble=False)
    return SVR(C=100 / settings["strength"])


def _xgboost(problem: Problem, settings: Settings) -> Any:
    module = importlib.import_module("training.automl.boosted")
    return module.Boosted(problem=problem, **settings)


_ALWAYS = (
    Family(name="linear", build=_linear, guesses=({"strength": 1.0}, {"strength": 10.0}, {"strength": 0.1})),
    Family(name="kernel", build=_kernel, guesses=({"strength": 1.0}, {"strength": 0.1}), most_rows=3_000),
    Family(name="neighbours", build=_neighbours, guesses=({"count": 5}, {"count": 15}), most_rows=20_000),
    Family(
        name="boosting",
        build=_boosting,
        guesses=(
            {"rate": 0.1, "leaves": 31, "strength": 1e-3},
            {"rate": 0.05, "leaves": 8, "strength": 1.0},
        ),
    ),
    Family(
        name="extra-trees",
        build=_extra,
        guesses=({"leaf": 1, "share": 0.3}, {"leaf": 3, "share": 0.5}),
        most_rows=200_000,
    ),
    Family(
        name="forest",
        build=_forest,
        guesses=({"leaf": 1, "share": 0.3}, {"leaf": 5, "share": 0.7}),
        most_rows=200_000,
    ),
)
_XGBOOST = Family(
    name="xgboost",
    build=_xgboost,
    guesses=({"rate": 0.1, "depth": 5, "strength": 1.0}, {"rate": 0.05, "depth": 3, "strength": 3.0}),
)


def families() -> tuple[Family, ...]:
    """Those that can run here: XGBoost only where its package is."""
    return (*_ALWAYS, _XGBOOST) if importlib.util.find_spec("xgboost") is not None else _ALWAYS


def family(name: str) -> Family:
    """A family by its name."""
    found = {one.name: one for one in families()}
    if name not in found:
        raise TableError(f"there is no family {name!r}; there are {', '.join(found)}")
    return found[name]
