"""Autotune: the fields that a request leaves open, and the ranges of hyperparameters that it gives by an example."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

_EPOCH_NAMES = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")
_RETRIES = 3
_JOBS = 20
_WORDS = (("true", "false"), ("True", "False"))


def completed(request: Mapping[str, Any]) -> dict[str, Any]:
    """A request with all that the service itself finds: Autotune's choices, Hyperband's resources.

    `auto_parameters` has found nothing wrong with it.
    """
    made = dict(request)
    if "Autotune" in request:
        made = _autotuned(made)
    config = made["HyperParameterTuningJobConfig"]
    if config["Strategy"] == "Hyperband":
        made["HyperParameterTuningJobConfig"] = {**config, "StrategyConfig": _hyperband(made)}
    return made


def auto_parameters(request: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with hyperparameters that are given by an example."""
    config = request["HyperParameterTuningJobConfig"]
    places = [config.get("ParameterRanges", {})]
    places += [one.get("HyperParameterRanges", {}) for one in request.get("TrainingJobDefinitions", ())]
    for ranges in places:
        for entry in ranges.get("AutoParameters", ()):
            if "Autotune" not in request:
                yield f"AutoParameters need Autotune with the Mode Enabled; {entry['Name']} is one."
            elif _range_of(entry) is None:
                yield (
                    f"Autotune cannot choose a range for {entry['Name']} from the ValueHint {entry['ValueHint']!r}: it "
                    "must be a number, true or false."
                )


def _autotuned(request: dict[str, Any]) -> dict[str, Any]:
    config = dict(request["HyperParameterTuningJobConfig"])
    config["ParameterRanges"] = _found(config.get("ParameterRanges", {}))
    if config["Strategy"] != "Hyperband":
        config.setdefault("TrainingJobEarlyStoppingType", "Auto")
    if config["Strategy"] != "Grid":
        config["ResourceLimits"] = {"MaxNumberOfTrainingJobs": _JOBS, **config["ResourceLimits"]}
    criteria = config.get("TuningJobCompletionCriteria", {})
    config["TuningJobCompletionCriteria"] = {"ConvergenceDetected": {"CompleteOnConvergence": "Enabled"}, **criteria}
    made = {**request, "HyperParameterTuningJobConfig": config}
    retries = {"RetryStrategy": {"MaximumRetryAttempts": _RETRIES}}
    if "TrainingJobDefinition" in request:
        made["TrainingJobDefinition"] = {**retries, **request["TrainingJobDefinition"]}
    if "TrainingJobDefinitions" in request:
        del config["ParameterRanges"]
        made["TrainingJobDefinitions"] = [
            {**retries, **one, "HyperParameterRanges": _found(one.get("HyperParameterRanges", {}))}
            for one in request["TrainingJobDefinitions"]
        ]
    return made


def _found(ranges: Mapping[str, Any]) -> dict[str, Any]:
    """The ranges, with each AutoParameter among those of its kind."""
    made = {kind: list(entries) for kind, entries in ranges.items() if kind != "AutoParameters"}
    for entry in ranges.get("AutoParameters", ()):
        found = _range_of(entry)
        assert found is not None, "auto_parameters was asked before"
        kind, made_range = found
        made.setdefault(kind, []).append(made_range)
    return made


def _range_of(entry: Mapping[str, str]) -> tuple[str, dict[str, Any]] | None:
    """The kind and the range around an example: half to double of a whole number, a tenth to ten times of another."""
    name, hint = entry["Name"], entry["ValueHint"].strip()
    for words in _WORDS:
        if hint in words:
            return "CategoricalParameterRanges", {"Name": name, "Values": list(words)}
    try:
        value = float(hint)
    except ValueError:
        return None
    if not math.isfinite(value):
        return None
    if hint.lstrip("+-").isdecimal():
        low, high = sorted((int(hint) // 2, int(hint) * 2))
        return "IntegerParameterRanges", {"Name": name, "MinValue": str(low), "MaxValue": str(max(high, low + 1))}
    if value <= 0:
        low_value, high_value = (-1.0, 1.0) if value == 0 else (value * 2, value / 2)
        return "ContinuousParameterRanges", {"Name": name, "MinValue": repr(low_value), "MaxValue": repr(high_value)}
    # below 1 it may be a share, which must stay one
    high_value = min(value * 10, 1.0) if value < 1 else value * 10
    bounds = {"MinValue": repr(value / 10), "MaxValue": repr(high_value), "ScalingType": "Logarithmic"}
    return "ContinuousParameterRanges", {"Name": name, **bounds}


def _hyperband(request: Mapping[str, Any]) -> dict[str, Any]:
    """The StrategyConfig, with the most epochs taken from a static hyperparameter where it lacks them."""
    config = request["HyperParameterTuningJobConfig"]
    bounds = {"MinResource": 1, **config.get("StrategyConfig", {}).get("HyperbandStrategyConfig", {})}
    definitions = request.get("TrainingJobDefinitions") or [request.get("TrainingJobDefinition", {})]
    for one in definitions:
        statics = one.get("StaticHyperParameters", {})
        for name in _EPOCH_NAMES:
            if "MaxResource" not in bounds and statics.get(name, "").isdecimal():
                bounds["MaxResource"] = int(statics[name])
    return {"HyperbandStrategyConfig": bounds}
