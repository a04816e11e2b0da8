"""Rules for the definitions of training jobs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from embedded.nodes.image import built_in
from embedded.services.sagemaker.tuning.validation.ranges import check_ranges, entries

_MOST_PARAMETERS = 100
_MOST_METRICS = 20


def check_definitions(request: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the definitions and with what the configuration says for them."""
    config = request["HyperParameterTuningJobConfig"]
    one, many = request.get("TrainingJobDefinition"), request.get("TrainingJobDefinitions")
    if (one is None) == (many is None):
        yield "Exactly one of TrainingJobDefinition and TrainingJobDefinitions must be specified."
        return
    if many is not None:
        yield from _many(config, many)
        return
    assert one is not None
    for field, place in (
        ("TuningObjective", "HyperParameterTuningJobObjective"),
        ("HyperParameterRanges", "ParameterRanges"),
    ):
        if field in one:
            yield f"{field} is for TrainingJobDefinitions; with TrainingJobDefinition use {place} in the configuration."
    objective = config.get("HyperParameterTuningJobObjective")
    if objective is None:
        yield "HyperParameterTuningJobObjective must be specified in HyperParameterTuningJobConfig."
        return
    yield from _definition(one, objective, config.get("ParameterRanges", {}), config["Strategy"])


def _many(config: Mapping[str, Any], definitions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for field in ("HyperParameterTuningJobObjective", "ParameterRanges"):
        if config.get(field):
            yield f"{field} cannot be used together with TrainingJobDefinitions: each definition has its own."
    names = [one.get("DefinitionName") for one in definitions]
    if None in names:
        yield "Every one of TrainingJobDefinitions needs a DefinitionName."
    elif len(set(names)) < len(names):
        yield f"The names of TrainingJobDefinitions must be unique, but they are {', '.join(map(str, names))}."
    complete = True
    for number, one in enumerate(definitions, start=1):
        lacking = [field for field in ("TuningObjective", "HyperParameterRanges") if field not in one]
        if lacking:
            complete = False
            yield f"Definition {one.get('DefinitionName', number)} needs {' and '.join(lacking)}."
            continue
        yield from _definition(one, one["TuningObjective"], one["HyperParameterRanges"], config["Strategy"])
    if complete and len({one["TuningObjective"]["Type"] for one in definitions}) > 1:
        yield (
            "The embedded cloud compares the objectives of all TrainingJobDefinitions with one another: they must all "
            "be of one Type, Maximize or Minimize."
        )


def _definition(
    one: Mapping[str, Any], objective: Mapping[str, str], ranges: Mapping[str, Any], strategy: str
) -> Iterator[str]:
    statics = one.get("StaticHyperParameters", {})
    yield from check_ranges(ranges, statics, strategy)
    # the service adds one of its own
    count = len(statics) + len(entries(ranges)) + 1
    if count > _MOST_PARAMETERS:
        yield f"There can be at most {_MOST_PARAMETERS} hyperparameters, static, tuned and the objective, not {count}."
    metrics = one["AlgorithmSpecification"].get("MetricDefinitions", [])
    algorithm = built_in(one["AlgorithmSpecification"].get("TrainingImage", ""))
    reported = {metric["Name"] for metric in metrics} | set(() if algorithm is None else algorithm.metrics)
    if objective["MetricName"] not in reported and algorithm is not None:
        yield (
            f"The embedded cloud's stand-in for {algorithm.name} does not report {objective['MetricName']}; it reports "
            f"{', '.join(sorted(algorithm.metrics))}."
        )
    elif objective["MetricName"] not in reported:
        yield (
            "A metric is required for this hyperparameter tuning job objective. Provide a metric in the metric "
            "definitions."
        )
    if len(metrics) > _MOST_METRICS:
        yield f"A hyperparameter tuning job can have at most {_MOST_METRICS} metric definitions, not {len(metrics)}."
    yield from _resources(one)


def _resources(one: Mapping[str, Any]) -> Iterator[str]:
    if ("ResourceConfig" in one) == ("HyperParameterTuningResourceConfig" in one):
        yield "Exactly one of ResourceConfig and HyperParameterTuningResourceConfig must be specified."
        return
    config = one.get("HyperParameterTuningResourceConfig")
    if config is None:
        return
    single = [field for field in ("InstanceType", "InstanceCount", "VolumeSizeInGB") if field in config]
    if "InstanceConfigs" in config:
        if single:
            yield f"InstanceConfigs cannot be used together with {', '.join(single)}."
    elif len(single) < 3:
        yield "Without InstanceConfigs, InstanceType, InstanceCount and VolumeSizeInGB must all be specified."
