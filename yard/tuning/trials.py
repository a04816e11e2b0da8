"""A search as it stands: its trials, their objective, and the best so far."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from yard.aws import Aws


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One training job of a search."""

    number: int
    """In the order of their beginning, from 1."""
    name: str
    definition: str | None
    status: str
    objective: float | None
    hyperparameters: Mapping[str, str]
    reason: str | None = None
    best_so_far: float | None = None
    """The best objective of this trial and those before it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """A search and its trials."""

    tuning_job: str
    status: str
    strategy: str
    metric: str
    goal: str
    """Minimize or Maximize."""
    max_jobs: int | None
    trials: Sequence[Trial]
    best: str | None
    reason: str | None = None

    @property
    def parameters(self) -> list[str]:
        """Every hyperparameter that is searched."""
        return list(dict.fromkeys(name for trial in self.trials for name in sorted(trial.hyperparameters)))

    @property
    def ended(self) -> list[Trial]:
        """The trials with a value of the objective, the best first."""
        known = [trial for trial in self.trials if trial.objective is not None]
        return sorted(known, key=lambda trial: self.rank(trial.objective))

    @property
    def running(self) -> int:
        """How many trials run now."""
        return sum(trial.status == "InProgress" for trial in self.trials)

    def rank(self, objective: float | None) -> float:
        """Less is better, whatever the goal."""
        if objective is None:
            return float("inf")
        return -objective if self.goal == "Maximize" else objective

    def in_words(self) -> str:
        """How far it has come, in one line."""
        most = "" if self.max_jobs is None else f" of {self.max_jobs}"
        ended = self.ended
        best = "" if not ended else f", best {self.metric} {ended[0].objective:.6g} ({ended[0].name})"
        return f"{self.status}: {len(self.trials)}{most} trials, {self.running} running{best}"


def read_search(aws: Aws, tuning_job: str) -> Search | None:
    """Ask SageMaker; None while there is no such search."""
    from botocore.exceptions import ClientError

    sagemaker = aws.client("sagemaker")
    try:
        found = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=tuning_job)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("ResourceNotFound", "ValidationException"):
            return None
        raise
    pages = sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job")
    listed = [
        summary
        for page in pages.paginate(HyperParameterTuningJobName=tuning_job, SortBy="CreationTime", SortOrder="Ascending")
        for summary in page["TrainingJobSummaries"]
    ]
    config = found["HyperParameterTuningJobConfig"]
    objective = config.get("HyperParameterTuningJobObjective") or _first_objective(found)
    best = found.get("BestTrainingJob", {}).get("TrainingJobName")
    search = Search(
        tuning_job=tuning_job,
        status=found["HyperParameterTuningJobStatus"],
        strategy=config["Strategy"],
        metric=objective.get("MetricName", ""),
        goal=objective.get("Type", "Minimize"),
        max_jobs=config["ResourceLimits"].get("MaxNumberOfTrainingJobs"),
        trials=[_listed(number, one) for number, one in enumerate(listed, start=1)],
        best=best,
        reason=found.get("FailureReason"),
    )
    return with_best_so_far(search)


def _first_objective(found: Mapping[str, Any]) -> Mapping[str, Any]:
    several = found.get("TrainingJobDefinitions") or [{}]
    objective: Mapping[str, Any] = several[0].get("TuningObjective", {})
    return objective


def _listed(number: int, summary: Mapping[str, Any]) -> Trial:
    return Trial(
        number=number,
        name=summary["TrainingJobName"],
        definition=summary.get("TrainingJobDefinitionName"),
        status=summary["TrainingJobStatus"],
        objective=summary.get("FinalHyperParameterTuningJobObjectiveMetric", {}).get("Value"),
        hyperparameters=summary.get("TunedHyperParameters", {}),
        reason=summary.get("FailureReason"),
    )


def of_receipt(receipt: Mapping[str, Any]) -> Search | None:
    """A search as its receipt tells it; None for the receipt of another run."""
    found = receipt.get("tuning")
    if found is None:
        return None
    most = found["max_jobs"]
    search = Search(
        tuning_job=found["tuning_job"],
        status=found["status"] or "never created",
        strategy=found["strategy"],
        metric=found["objective"]["metric"],
        goal=found["objective"]["goal"],
        max_jobs=None if most is None else int(most),
        trials=[
            Trial(
                number=number,
                name=one["name"],
                definition=one["definition"],
                status=one["status"],
                objective=one["objective"],
                hyperparameters=one["hyperparameters"],
                reason=one["reason"],
            )
            for number, one in enumerate(found["trials"], start=1)
        ],
        best=found["best"],
    )
    return with_best_so_far(search)


def with_best_so_far(search: Search) -> Search:
    """The same search, each trial with the best objective until then."""
    best: float | None = None
    trials = []
    for trial in search.trials:
        if trial.objective is not None and (best is None or search.rank(trial.objective) < search.rank(best)):
            best = trial.objective
        trials.append(replace(trial, best_so_far=best))
    return replace(search, trials=trials)


def rows(search: Search) -> list[dict[str, Any]]:
    """The trials as rows of a table, with a column for each hyperparameter."""
    several = any(trial.definition is not None for trial in search.trials)
    return [
        {
            "trial": trial.number,
            **({"definition": trial.definition} if several else {}),
            **{name: trial.hyperparameters.get(name) for name in search.parameters},
            search.metric: trial.objective,
            "best_so_far": trial.best_so_far,
            "state": _state(trial, search),
            "name": trial.name,
        }
        for trial in search.trials
    ]


def _state(trial: Trial, search: Search) -> str:
    if trial.name == search.best:
        return "best"
    return {"InProgress": "running"}.get(trial.status, trial.status.lower())


def as_json(search: Search) -> dict[str, Any]:
    """The search for a program."""
    return {
        "tuning_job": search.tuning_job,
        "status": search.status,
        "strategy": search.strategy,
        "objective": {"metric": search.metric, "goal": search.goal},
        "max_jobs": search.max_jobs,
        "best": search.best,
        "reason": search.reason,
        "trials": [
            {
                "trial": trial.number,
                "name": trial.name,
                "definition": trial.definition,
                "status": trial.status,
                "objective": trial.objective,
                "best_so_far": trial.best_so_far,
                "hyperparameters": dict(trial.hyperparameters),
                "reason": trial.reason,
            }
            for trial in search.trials
        ],
    }


def took(started: datetime, stopped: datetime | None) -> str | None:
    """How long something took, in words; None while it goes on."""
    from shardyard.spec.units import format_duration

    return None if stopped is None else format_duration((stopped - started).total_seconds())
