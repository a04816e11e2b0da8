"""Rules for a warm start: what must be the same in the new tuning job as in those that it learns from."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from embedded.services.sagemaker.jobs.job import TERMINAL
from embedded.services.sagemaker.tuning.definition import Definition, read_definitions
from embedded.services.sagemaker.tuning.job import TuningJob
from embedded.services.sagemaker.tuning.validation.ranges import entries

_MOST_JOBS = 500
_MOST_CHANGES = 10


def check_warm_start(request: Mapping[str, Any], parents: Sequence[TuningJob]) -> Iterator[str]:
    """What is wrong with starting from these parents; the request is right in itself."""
    if "TrainingJobDefinitions" in request or any("TrainingJobDefinitions" in one.request for one in parents):
        yield "Warm start is for tuning jobs with a single TrainingJobDefinition."
        return
    (own,) = read_definitions(request)
    planned = request["HyperParameterTuningJobConfig"]["ResourceLimits"].get("MaxNumberOfTrainingJobs", 0)
    in_all = planned + sum(len(parent.trials) for parent in parents)
    if in_all > _MOST_JOBS:
        yield f"There can be at most {_MOST_JOBS} training jobs, those of all parents included, not {in_all}."
    names = [parent.name for parent in parents]
    if len(set(names)) < len(names):
        yield f"ParentHyperParameterTuningJobs must be different ones, not {', '.join(names)}."
    identical = request["WarmStartConfig"]["WarmStartType"] == "IdenticalDataAndAlgorithm"
    for parent in parents:
        if parent.status not in TERMINAL:
            yield f"Parent tuning job {parent.name} must have ended; its status is {parent.status}."
        yield from _pair(own, parent.name, parent.definitions[0], identical=identical)


def _pair(own: Definition, name: str, parent: Definition, *, identical: bool) -> Iterator[str]:
    if (own.objective_type, own.metric) != (parent.objective_type, parent.metric):
        yield (
            f"The objective must be that of parent tuning job {name}, {parent.objective_type} {parent.metric}, not "
            f"{own.objective_type} {own.metric}."
        )
    kinds, theirs = _kinds(own), _kinds(parent)
    if {*kinds, *own.statics} != {*theirs, *parent.statics}:
        different = sorted({*kinds, *own.statics} ^ {*theirs, *parent.statics})
        yield (
            f"The static and tuned hyperparameters together must be those of parent tuning job {name}; they differ in "
            f"{', '.join(different)}."
        )
    for parameter in kinds.keys() & theirs.keys():
        if kinds[parameter] != theirs[parameter]:
            yield f"The type of hyperparameter {parameter} must be that of parent tuning job {name}."
    changes = _changes(own, parent)
    if changes > _MOST_CHANGES:
        yield (
            f"From parent tuning job {name} there are {changes} changes of tuned hyperparameters to static ones and of "
            f"static values; there can be at most {_MOST_CHANGES}."
        )
    if identical:
        yield from _identical(own, name, parent)


def _identical(own: Definition, name: str, parent: Definition) -> Iterator[str]:
    if own.request["AlgorithmSpecification"].get("TrainingImage") != parent.request["AlgorithmSpecification"].get(
        "TrainingImage"
    ):
        yield f"IdenticalDataAndAlgorithm needs the training image of parent tuning job {name}."
    if own.request.get("InputDataConfig") != parent.request.get("InputDataConfig"):
        yield f"IdenticalDataAndAlgorithm needs the input data of parent tuning job {name}."


def _kinds(definition: Definition) -> dict[str, str]:
    return {entry["Name"]: kind for kind, entry in entries(definition.ranges)}


def _changes(own: Definition, parent: Definition) -> int:
    """As the guide counts: each value that becomes static, and the old and the new value of a static that changes."""
    count = 0
    for kind, entry in entries(parent.ranges):
        if entry["Name"] in own.statics:
            count += len(entry["Values"]) if kind == "CategoricalParameterRanges" else 1
    changed = [name for name, value in parent.statics.items() if own.statics.get(name, value) != value]
    return count + 2 * len(changed)
