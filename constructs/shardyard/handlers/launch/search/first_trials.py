"""Whether the first trials have found the objective: a pattern that matches nothing would fail every later one too."""

from collections.abc import Mapping
from typing import Any

from shardyard.handlers.launch.search.trials import definition_of, list_trials


def unfound_objective(sagemaker: Any, described: Mapping[str, Any], tuning_job: str) -> str | None:
    """Why the search can find nothing, as a sentence; None while it may.

    The service's counters come first: as soon as one trial has an objective nothing more is asked. A trial that has
    completed without one decides. One that failed or was stopped says nothing about the pattern.
    """
    counted = described.get("ObjectiveStatusCounters", {})
    if counted.get("Succeeded", 0) > 0 or counted.get("Failed", 0) == 0:
        return None
    for trial in list_trials(sagemaker, tuning_job):
        if trial["TrainingJobStatus"] == "Completed" and trial.get("ObjectiveStatus") == "Failed":
            return _sentence(described, trial)
    return None


def _sentence(described: Mapping[str, Any], trial: Mapping[str, Any]) -> str:
    definition = definition_of(described, trial)
    shared = described["HyperParameterTuningJobConfig"].get("HyperParameterTuningJobObjective", {})
    metric = (definition.get("TuningObjective") or shared).get("MetricName", "")
    patterns = definition.get("AlgorithmSpecification", {}).get("MetricDefinitions", [])
    regex = next((one["Regex"] for one in patterns if one["Name"] == metric), None)
    looked = "" if regex is None else f" The pattern {regex!r} matches no line of its log."
    return (
        f"The trial {trial['TrainingJobName']} has completed and printed no {metric}, the objective of the search."
        f"{looked} The search was ended, as every other trial would be paid in vain."
    )
