"""What DeepAR answers: how each series goes on, as a mean, as quantiles, and as the paths that they are made of."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from contract.refusal import Refused, RequestError
from training.builtin.answers.formats import (
    JSON,
    JSON_LINES,
    Body,
    chosen,
    instances,
    known,
    lines,
    model_file,
    parsed,
    parsed_lines,
)
from training.builtin.forecasting import ABOUT, WEIGHTS, Network, Shape, cut, forecast, load
from training.builtin.job import Matrix
from training.builtin.series import Series, frequency_of, series_of

CONFIGURATION = "DEEPAR_INFERENCE_CONFIG"
"""The variable with the configuration of requests in JSON Lines, which bring none."""
_TYPES = ("mean", "quantiles", "samples")


@dataclass(frozen=True, kw_only=True, slots=True)
class Configuration:
    """What is forecast."""

    num_samples: int = 100
    output_types: Sequence[str] = ("mean", "quantiles")
    quantiles: Sequence[str] = ("0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9")


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecaster:
    """A network, and the configuration of a batch transform."""

    network: Network
    shape: Shape
    batch: Configuration


def model_fn(folder: str) -> Forecaster:
    """Load what `train` has written, and read the configuration of the container."""
    network, shape = load(model_file(folder, WEIGHTS), model_file(folder, ABOUT))
    try:
        batch = _configuration(parsed(os.environ.get(CONFIGURATION) or "{}"))
    except RequestError as error:
        raise Refused(f"{CONFIGURATION} cannot be followed: {error}") from error
    return Forecaster(network=network, shape=shape, batch=batch)


def transform_fn(model: Forecaster, body: Body, kind: str, accept: str) -> tuple[bytes, str]:
    """Many series with a configuration as JSON; one as JSON Lines, which several make AWS's container fail."""
    if known(kind, (JSON, JSON_LINES)) == JSON_LINES:
        named = list(parsed_lines(body))
        if len(named) > 1:
            raise RequestError(
                f"a request in JSON Lines holds one series, and this one {len(named)}: "
                "transform with BatchStrategy SingleRecord and SplitType Line"
            )
        return lines(_said(model, named, model.batch)), JSON_LINES
    chosen(accept, (JSON, JSON_LINES))
    request = parsed(body)
    named = instances(request)
    configuration = _configuration(request.get("configuration", {}))
    return json.dumps({"predictions": _said(model, named, configuration)}).encode(), JSON


def _configuration(given: Any) -> Configuration:
    if not isinstance(given, dict):
        raise RequestError("configuration is no object")
    unknown = sorted(given.keys() - {"num_samples", "output_types", "quantiles"})
    if unknown:
        raise RequestError(f"configuration has {', '.join(unknown)}; known: num_samples, output_types, quantiles")
    found = Configuration(**given)
    if type(found.num_samples) is not int or found.num_samples < 1:
        raise RequestError(f"configuration.num_samples is {found.num_samples!r}, and must be a whole number from 1")
    types, quantiles = found.output_types, found.quantiles
    if not isinstance(types, list | tuple) or not types or any(one not in _TYPES for one in types):
        raise RequestError(f"configuration.output_types is {types!r}, and must be a list of {', '.join(_TYPES)}")
    if not isinstance(quantiles, list | tuple) or not all(map(_is_quantile, quantiles)):
        raise RequestError(f'configuration.quantiles is {quantiles!r}, and must be a list such as ["0.1", "0.9"]')
    return found


def _is_quantile(given: Any) -> bool:
    try:
        return isinstance(given, str | float) and 0 < float(given) < 1
    except ValueError:
        return False


def _said(model: Forecaster, named: Sequence[tuple[str, Any]], wanted: Configuration) -> list[dict[str, Any]]:
    series = [_read(model.shape, where, one) for where, one in named]
    windows = cut(model.shape, [(one, len(one.target)) for one in series], model.network.likelihood.scaled)
    paths = forecast(model.network, model.shape, windows, wanted.num_samples).numpy()
    return [_told(one, wanted) for one in paths]


def _read(shape: Shape, where: str, raw: Any) -> Series:
    try:
        found = series_of(raw, frequency_of(shape.time_freq), ahead=shape.horizon)
    except ValueError as error:
        raise RequestError(f"{where} is no series: {error}") from None
    if np.isnan(found.target).all():
        raise RequestError(f"{where} has {len(found.target)} values, none of which is there")
    for name, has, needs in (
        ("cat", len(found.categories), len(shape.cardinality)),
        ("dynamic_feat", len(found.features), shape.features),
    ):
        if has != needs:
            trained = f"with {needs}" if needs else "without"
            raise RequestError(f"{where} has {has} {name}, and the model was trained {trained}")
    for number, (one, count) in enumerate(zip(found.categories, shape.cardinality, strict=True), start=1):
        if not 0 <= one < count:
            raise RequestError(f"{where}: cat {number} is {one}, and the model knows 0 to {count - 1}")
    return found


def _told(paths: Matrix, wanted: Configuration) -> dict[str, Any]:
    """What one series may become: paths, each with all steps."""
    said: dict[str, Any] = {}
    if "mean" in wanted.output_types:
        said["mean"] = paths.mean(axis=0).tolist()
    if "quantiles" in wanted.output_types:
        each = np.quantile(paths, [float(one) for one in wanted.quantiles], axis=0)
        said["quantiles"] = {str(one): steps.tolist() for one, steps in zip(wanted.quantiles, each, strict=True)}
    if "samples" in wanted.output_types:
        said["samples"] = paths.tolist()
    return said
