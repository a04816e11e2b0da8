"""The trials of a search, as the service lists them."""

from collections.abc import Iterator, Mapping
from typing import Any

_MOST_IN_A_PAGE = 100


def list_trials(sagemaker: Any, tuning_job: str) -> Iterator[dict[str, Any]]:
    """Every trial, oldest first."""
    query: dict[str, Any] = {
        "HyperParameterTuningJobName": tuning_job,
        "MaxResults": _MOST_IN_A_PAGE,
        "SortBy": "CreationTime",
        "SortOrder": "Ascending",
    }
    while True:
        answer = sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(**query)
        yield from answer["TrainingJobSummaries"]
        if not answer.get("NextToken"):
            return
        query["NextToken"] = answer["NextToken"]


def definition_of(described: Mapping[str, Any], trial: Mapping[str, Any]) -> Mapping[str, Any]:
    """The definition of a trial; a search with a single one need not name it."""
    several: list[Mapping[str, Any]] = described.get("TrainingJobDefinitions") or [described["TrainingJobDefinition"]]
    name = trial.get("TrainingJobDefinitionName")
    return next((one for one in several if one.get("DefinitionName") == name), several[0])
