"""Three functions to search, each to be minimised, with its least value."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from embedded.services.sagemaker.tuning.search.space import Category, Number, Space

_WEIGHTS = ((10, 3, 17, 3.5, 1.7, 8), (0.05, 10, 17, 0.1, 8, 14), (3, 3.5, 1.7, 10, 17, 8), (17, 8, 0.05, 10, 0.1, 14))
_CENTRES = (
    (0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886),
    (0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991),
    (0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650),
    (0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381),
)
_DEPTHS = (1.0, 1.2, 3.0, 3.2)
_OPTIMIZERS = {"sgd": (0.12, -1.0), "adam": (0.05, -3.0), "rms": (0.08, -2.7)}
"""What each costs at its best, and the power of ten of its best learning rate."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Function:
    """A function with its space."""

    name: str
    space: Space
    call: Callable[[Mapping[str, str]], float]
    least: float


def _branin(values: Mapping[str, str]) -> float:
    x, y = float(values["x"]), float(values["y"])
    hill = (y - 5.1 / (4 * math.pi**2) * x * x + 5 / math.pi * x - 6) ** 2
    return hill + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


def _hartmann(values: Mapping[str, str]) -> float:
    point = [float(values[f"x{index}"]) for index in range(6)]
    return -sum(
        depth * math.exp(-sum(w * (x - c) ** 2 for w, x, c in zip(weights, point, centre, strict=True)))
        for depth, weights, centre in zip(_DEPTHS, _WEIGHTS, _CENTRES, strict=True)
    )


def _network(values: Mapping[str, str]) -> float:
    cost, best_rate = _OPTIMIZERS[values["optimizer"]]
    rate = 0.06 * (math.log10(float(values["rate"])) - best_rate) ** 2
    return cost + rate + 0.01 * abs(int(values["layers"]) - 6) + 0.2 * (float(values["dropout"]) - 0.25) ** 2


FUNCTIONS = (
    Function(
        name="Branin",
        space=Space(parameters=(Number(name="x", low=-5, high=10), Number(name="y", low=0, high=15))),
        call=_branin,
        least=0.397887,
    ),
    Function(
        name="Hartmann 6",
        space=Space(parameters=tuple(Number(name=f"x{index}", low=0, high=1) for index in range(6))),
        call=_hartmann,
        least=-3.32237,
    ),
    Function(
        name="a network's settings",
        space=Space(
            parameters=(
                Number(name="rate", low=1e-5, high=1, scaling="Logarithmic"),
                Number(name="layers", low=1, high=12, is_whole=True),
                Number(name="dropout", low=0, high=0.7),
                Category(name="optimizer", values=("sgd", "adam", "rms")),
            )
        ),
        call=_network,
        least=0.05,
    ),
)
