"""The search against chance, and against Optuna's where that is installed: the best of N proposals, in N steps."""

import importlib
import importlib.util
import random
import statistics
from collections.abc import Callable
from typing import Any

from benchmarks._report import Figure
from benchmarks.tuning.functions import FUNCTIONS, Function
from embedded.services.sagemaker.tuning.search.bayesian import Bayesian
from embedded.services.sagemaker.tuning.search.gaussian import Seen
from embedded.services.sagemaker.tuning.search.space import Category, Point

PROPOSALS = 30
SEEDS = 20

Method = Callable[[Function, int], float]


def figures() -> list[Figure]:
    """For each function the medians, as parts of what chance is away from the least value."""
    found = []
    for function in FUNCTIONS:
        chance = _median(by_chance, function) - function.least
        methods: dict[str, Method] = {"1 at once": _ours(1), "4 at once": _ours(4)}
        for label, method in methods.items():
            part = (_median(method, function) - function.least) / chance
            found.append(
                Figure(name=f"{function.name}, {label}: away from the least", value=part, unit="of chance", at_most=0.9)
            )
        if importlib.util.find_spec("optuna") is not None:
            part = (_median(by_optuna, function) - function.least) / chance
            found.append(Figure(name=f"{function.name}, Optuna's TPE, 1 at once", value=part, unit="of chance"))
    return found


def _median(method: Method, function: Function) -> float:
    return statistics.median(method(function, seed) for seed in range(SEEDS))


def by_chance(function: Function, seed: int) -> float:
    """The best of random points."""
    dice = random.Random(seed)
    return min(function.call(function.space.decode(function.space.sample(dice))) for _ in range(PROPOSALS))


def _ours(at_once: int) -> Method:
    def search(function: Function, seed: int) -> float:
        method = Bayesian(function.space, str(seed))
        seen: list[Seen] = []
        running: list[tuple[Point, float]] = []
        best = float("inf")
        for number in range(PROPOSALS):
            point = method.suggest(number, seen, [pending for pending, _ in running])
            running.append((point, function.call(function.space.decode(point))))
            best = min(best, running[-1][1])
            if len(running) == at_once:
                ended, value = running.pop(0)
                seen.append(Seen(point=ended, value=value))
        return best

    return search


def by_optuna(function: Function, seed: int) -> float:
    """The best that Optuna's sampler finds; Optuna is no requirement of ours and is only compared where it is."""
    optuna: Any = importlib.import_module("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, multivariate=True))
    for _ in range(PROPOSALS):
        trial = study.ask()
        values = {}
        for one in function.space.parameters:
            if isinstance(one, Category):
                values[one.name] = trial.suggest_categorical(one.name, one.values)
            elif one.is_whole:
                values[one.name] = str(trial.suggest_int(one.name, int(one.low), int(one.high)))
            else:
                is_log = one.scaling == "Logarithmic"
                values[one.name] = repr(trial.suggest_float(one.name, one.low, one.high, log=is_log))
        study.tell(trial, function.call(values))
    return float(study.best_value)
