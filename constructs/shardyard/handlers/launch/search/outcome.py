"""How a search ended: its best trial, or why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_NEARLY = 0.98
"""The service counts the time of a search in whole steps of its own, and stops its trials a little before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Best:
    """The trial that the search was for."""

    training_job: str
    definition: str | None
    value: float
    hyperparameters: Mapping[str, str]
    """Those that were searched."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of a search."""

    kind: str
    """Completed, or a failure's kind."""
    error: str = ""
    cause: str = ""
    best: Best | None = None
    """Of a search that was stopped the best so far."""


def best_of(described: Mapping[str, Any]) -> Best | None:
    """The best trial as the service names it; of a warm start with the same data that of the parents may be better."""
    for field in ("OverallBestTrainingJob", "BestTrainingJob"):
        found = described.get(field) or {}
        value = found.get("FinalHyperParameterTuningJobObjectiveMetric", {}).get("Value")
        if found.get("TrainingJobName") and value is not None:
            return Best(
                training_job=found["TrainingJobName"],
                definition=found.get("TrainingJobDefinitionName"),
                value=float(value),
                hyperparameters=dict(found.get("TunedHyperParameters", {})),
            )
    return None


def outcome_of(described: Mapping[str, Any], *, unfound: str | None) -> Outcome:
    """Read an ended search; `unfound` says that the first trials had no objective.

    The service is known to give up by itself (`No training job succeeded after 5 attempts`), and to be stopped by the
    launch, which looks at the first trials. Whichever comes first, the sentence is the same.
    """
    best, status = best_of(described), described["HyperParameterTuningJobStatus"]
    if best is None and unfound is not None:
        return Outcome(kind="ALGORITHM", error="ObjectiveNotFound", cause=unfound)
    if status == "Failed":
        said = described.get("FailureReason") or "The search failed and gave no reason."
        return Outcome(kind="ALGORITHM", error="SearchFailed", cause=said, best=best)
    if status == "Stopped" and not _reached_its_time(described):
        said = described.get("FailureReason") or "The search was stopped."
        return Outcome(kind="STOPPED", error="Stopped", cause=said, best=best)
    if best is None:
        return Outcome(kind="ALGORITHM", error="NoTrialSucceeded", cause=_none_succeeded(described))
    return Outcome(kind="Completed", best=best)


def _reached_its_time(described: Mapping[str, Any]) -> bool:
    """Whether the search ended by tuning.max_runtime, for which the service may say Stopped as well as Completed."""
    limit = described["HyperParameterTuningJobConfig"]["ResourceLimits"].get("MaxRuntimeInSeconds")
    used = described.get("ConsumedResources", {}).get("RuntimeInSeconds")
    return limit is not None and used is not None and used >= limit * _NEARLY


def _none_succeeded(described: Mapping[str, Any]) -> str:
    counters = described.get("TrainingJobStatusCounters", {})
    counted = ", ".join(f"{count} {name}" for name, count in counters.items() if count)
    return f"No trial ended with a value of the objective ({counted or 'there was none'})."
