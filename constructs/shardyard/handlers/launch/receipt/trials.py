"""What each trial of a search did and cost."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shardyard.handlers import aws
from shardyard.handlers.launch.receipt.attempts import account
from shardyard.handlers.launch.search.trials import definition_of, list_trials


def trial_lines(
    sagemaker: Any, described: Mapping[str, Any], tuning_job: str, cost: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Each trial as a line of the receipt, oldest first."""
    found = list(list_trials(sagemaker, tuning_job))
    # A list says no instance type and no discount: where there may be several, or spot, the trial itself is asked.
    asked = [trial["TrainingJobName"] for trial in found if _must_be_asked(definition_of(described, trial))]
    answers = aws.in_parallel(lambda name: aws.describe_job(sagemaker, name), asked)
    details = dict(zip(asked, answers, strict=True))
    return [
        _line(trial, definition_of(described, trial), details.get(trial["TrainingJobName"]), cost) for trial in found
    ]


def _must_be_asked(definition: Mapping[str, Any]) -> bool:
    return "HyperParameterTuningResourceConfig" in definition or bool(definition.get("EnableManagedSpotTraining"))


def _line(
    trial: Mapping[str, Any], definition: Mapping[str, Any], asked: Mapping[str, Any] | None, cost: Mapping[str, Any]
) -> dict[str, Any]:
    listed = {
        **trial,
        "ResourceConfig": definition.get("ResourceConfig", {}),
        "EnableManagedSpotTraining": definition.get("EnableManagedSpotTraining", False),
        "TrainingTimeInSeconds": _seconds(trial),
    }
    objective = trial.get("FinalHyperParameterTuningJobObjectiveMetric", {})
    return {
        **account({**listed, **({} if asked is None else asked)}, cost),
        "definition": trial.get("TrainingJobDefinitionName"),
        "objective": objective.get("Value"),
        "objective_status": trial.get("ObjectiveStatus", "Pending"),
        "hyperparameters": dict(trial.get("TunedHyperParameters", {})),
    }


def _seconds(trial: Mapping[str, Any]) -> int:
    """How long it trained; one that is still being stopped has no end yet."""
    started, ended = trial.get("TrainingStartTime"), trial.get("TrainingEndTime")
    if not isinstance(started, datetime) or not isinstance(ended, datetime):
        return 0
    return max(round((ended - started).total_seconds()), 0)
