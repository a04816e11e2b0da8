"""How a token is chosen among those that a model holds for likely."""

import math
from collections.abc import Mapping
from typing import Any

import numpy

from contract.refusal import RequestError

OPTIONS = frozenset({"temperature", "top_k", "top_p", "seed"})
_MOST_TEMPERATURE = 100.0
_MOST_SEED = (1 << 63) - 1


class Sampler:
    """Draws tokens with a generator of its own: the same seed draws the same ones, whoever else is answered."""

    def __init__(self, *, temperature: float, top_k: int | None, top_p: float, seed: int | None) -> None:
        self._temperature = temperature
        self._top_k = top_k
        self._top_p = top_p
        self._random = numpy.random.default_rng(seed)

    def pick(self, scores: numpy.ndarray) -> int:
        """One token, by the scores of all."""
        scaled = scores.astype(numpy.float64) / self._temperature
        order = numpy.argsort(-scaled, kind="stable")[: self._top_k]
        shares = numpy.exp(scaled[order] - scaled[order[0]]).cumsum()
        shares /= shares[-1]
        kept = 1 + int(numpy.searchsorted(shares, self._top_p)) if self._top_p < 1 else len(shares)
        shares = shares[:kept]
        drawn = self._random.random() * shares[-1]
        return int(order[min(int(numpy.searchsorted(shares, drawn, side="right")), len(shares) - 1)])


def read(options: Mapping[str, Any]) -> Sampler | None:
    """What a request says of it; None: always the likeliest token. Raises RequestError with all that is wrong."""
    given = {name: options[name] for name in OPTIONS & options.keys() if options[name] is not None}
    wrong = []
    for name, is_right, what in (
        ("temperature", _is_number(given.get("temperature", 1), 0, _MOST_TEMPERATURE), "a number from 0 to 100"),
        ("top_k", _is_whole(given.get("top_k", 1), 1, _MOST_SEED), "a whole number from 1"),
        ("top_p", _is_number(given.get("top_p", 1), 1e-9, 1), "a number above 0, at most 1"),
        ("seed", _is_whole(given.get("seed", 0), 0, _MOST_SEED), "a whole number from 0 to 2**63 - 1"),
    ):
        if not is_right:
            wrong.append(f"{name} is {given[name]!r} and must be {what}")
    if wrong:
        raise RequestError("; ".join(wrong))
    temperature = given.get("temperature", 1.0 if given else 0.0)
    if temperature == 0:
        others = sorted(given.keys() - {"temperature"})
        if others:
            raise RequestError(f"temperature 0 always takes the likeliest token: leave {', '.join(others)} out")
        return None
    return Sampler(
        temperature=float(temperature),
        top_k=given.get("top_k"),
        top_p=float(given.get("top_p", 1.0)),
        seed=given.get("seed"),
    )


def _is_number(value: object, least: float, most: float) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and least <= value <= most  # type: ignore[arg-type, operator]


def _is_whole(value: object, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most
