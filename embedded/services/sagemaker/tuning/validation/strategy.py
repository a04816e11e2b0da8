"""Rules for the strategy, its limits and its completion criteria."""

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

from embedded import limits
from embedded.operations import ServiceError

JOBS_QUOTA = "Number of training jobs per hyperparameter tuning job"
PARALLEL_QUOTA = "Number of parallel training jobs per hyperparameter tuning job"
TUNING_QUOTA = "Number of parallel hyperparameter tuning jobs"
_MOST_EPOCHS = 20_000


def check_strategy(request: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the configuration, but for its ranges."""
    config = request["HyperParameterTuningJobConfig"]
    strategy, bounds = config["Strategy"], config["ResourceLimits"]
    if strategy == "Hyperband":
        yield from _hyperband(config)
    elif "StrategyConfig" in config:
        yield f"StrategyConfig is for the Hyperband strategy only, and the strategy is {strategy}."
    most, at_once = bounds.get("MaxNumberOfTrainingJobs"), bounds["MaxParallelTrainingJobs"]
    if most is not None and at_once > most:
        yield f"MaxParallelTrainingJobs {at_once} must not be greater than MaxNumberOfTrainingJobs {most}."
    if strategy == "Grid":
        yield from _grid(request, most)
    elif most is None and not _ends_otherwise(config):
        yield (
            "MaxNumberOfTrainingJobs must be specified in ResourceLimits, or MaxRuntimeInSeconds, or one of "
            "TuningJobCompletionCriteria."
        )
    patience = config.get("TuningJobCompletionCriteria", {}).get("BestObjectiveNotImproving")
    if patience is not None and "MaxNumberOfTrainingJobsNotImproving" not in patience:
        yield "BestObjectiveNotImproving needs MaxNumberOfTrainingJobsNotImproving."


def check_limits(request: Mapping[str, Any], account: str, region: str, running: int) -> None:
    """Raise the service's error where a quota is exceeded."""
    bounds = request["HyperParameterTuningJobConfig"]["ResourceLimits"]
    _check(TUNING_QUOTA, running, 1, "hyperparameter tuning jobs", account, region)
    _check(PARALLEL_QUOTA, 0, bounds["MaxParallelTrainingJobs"], "training jobs", account, region)
    _check(JOBS_QUOTA, 0, bounds.get("MaxNumberOfTrainingJobs", 0), "training jobs", account, region)


def combinations(request: Mapping[str, Any]) -> int:
    """How many combinations of categorical values there are."""
    config = request["HyperParameterTuningJobConfig"]
    definitions = request.get("TrainingJobDefinitions", ())
    spaces = [one.get("HyperParameterRanges", {}) for one in definitions] or [config.get("ParameterRanges", {})]
    return sum(prod(len(entry["Values"]) for entry in one.get("CategoricalParameterRanges", ())) for one in spaces)


def _hyperband(config: Mapping[str, Any]) -> Iterator[str]:
    if config.get("TrainingJobEarlyStoppingType", "Off") != "Off":
        yield "TrainingJobEarlyStoppingType must be Off with the Hyperband strategy, which stops training jobs itself."
    bounds = config.get("StrategyConfig", {}).get("HyperbandStrategyConfig", {})
    least, most = bounds.get("MinResource"), bounds.get("MaxResource")
    if most is None:
        yield (
            "MaxResource must be specified in HyperbandStrategyConfig: it cannot be inferred from one of the static "
            "hyperparameters epochs, numepochs, n-epochs, n_epochs or num_epochs."
        )
    elif most > _MOST_EPOCHS:
        yield f"MaxResource must be at most {_MOST_EPOCHS}, not {most}."
    if least is not None and most is not None and least > most:
        yield f"MinResource {least} must not be greater than MaxResource {most}."


def _grid(request: Mapping[str, Any], most: int | None) -> Iterator[str]:
    count = combinations(request)
    if most is not None and most != count:
        yield f"With the Grid strategy MaxNumberOfTrainingJobs must be the number of combinations, {count}, not {most}."


def _ends_otherwise(config: Mapping[str, Any]) -> bool:
    criteria = config.get("TuningJobCompletionCriteria", {})
    return "MaxRuntimeInSeconds" in config["ResourceLimits"] or bool(criteria)


def _check(quota: str, used: int, delta: int, what: str, account: str, region: str) -> None:
    limit = limits.granted(account, region, quota)
    if limit is None or used + delta <= limit:
        return
    raise ServiceError(
        "ResourceLimitExceeded",
        f"The account-level service limit '{quota}' is {limit:g} {what}, with current utilization of {used} {what} and "
        f"a request delta of {delta} {what}. Please use AWS Service Quotas to request an increase for this quota.",
    )
