"""How a value may be distributed, by the numbers that a network gives: DeepAR's hyperparameter `likelihood`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Beta, Distribution, Laplace, NegativeBinomial, Normal, StudentT
from torch.nn.functional import softplus

_LEAST = 1e-4


@dataclass(frozen=True, kw_only=True, slots=True)
class Likelihood:
    """One kind of distribution."""

    numbers: int
    """How many numbers describe it."""
    of: Callable[[Tensor, Tensor], Distribution]
    """The distribution, by those numbers along the last dimension and the scale of the series."""
    scaled: bool = True
    certain: bool = False
    """Whether a forecast is the one likeliest value."""
    fits: Callable[[Tensor], Tensor] = torch.isfinite
    """Which values it can have."""


def _normal(raw: Tensor, scale: Tensor) -> Distribution:
    return Normal(raw[..., 0] * scale, (softplus(raw[..., 1]) + _LEAST) * scale)


def _student(raw: Tensor, scale: Tensor) -> Distribution:
    spread = (softplus(raw[..., 1]) + _LEAST) * scale
    return StudentT(2 + softplus(raw[..., 2]), raw[..., 0] * scale, spread)


def _negative_binomial(raw: Tensor, scale: Tensor) -> Distribution:
    mean = (softplus(raw[..., 0]) + _LEAST) * scale
    shape = (softplus(raw[..., 1]) + _LEAST) / scale.sqrt()
    return NegativeBinomial(1 / shape, logits=(mean * shape).log())


def _beta(raw: Tensor, scale: Tensor) -> Distribution:
    return Beta(softplus(raw[..., 0]) + _LEAST, softplus(raw[..., 1]) + _LEAST)


def _absolute(raw: Tensor, scale: Tensor) -> Distribution:
    return Laplace(raw[..., 0] * scale, scale)


def _counts(values: Tensor) -> Tensor:
    return (values >= 0) & (values == values.round())


def _shares(values: Tensor) -> Tensor:
    return (values > 0) & (values < 1)


LIKELIHOODS: Mapping[str, Likelihood] = {
    "student-T": Likelihood(numbers=3, of=_student),
    "gaussian": Likelihood(numbers=2, of=_normal),
    "negative-binomial": Likelihood(numbers=2, of=_negative_binomial, fits=_counts),
    "beta": Likelihood(numbers=2, of=_beta, scaled=False, fits=_shares),
    "deterministic-L1": Likelihood(numbers=1, of=_absolute, certain=True),
}


def drawn(likelihood: Likelihood, distribution: Any) -> Tensor:
    """A value of each distribution."""
    found: Tensor = distribution.mean if likelihood.certain else distribution.sample()
    return found
