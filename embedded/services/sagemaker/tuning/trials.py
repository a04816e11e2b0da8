"""One training job of a tuning job, with the values it was given and what came of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from embedded.services.sagemaker.jobs.job import TERMINAL
from embedded.services.sagemaker.training.job import TrainingJob
from embedded.services.sagemaker.tuning.definition import Definition
from embedded.services.sagemaker.tuning.search.space import Point

_RETRYABLE = ("InternalServerError", "CapacityError")


@dataclass(kw_only=True, slots=True)
class Trial:
    """One try: what the search proposed, and the training job that runs it."""

    number: int
    """From 0, in the order of launches; retries on other instances keep it."""
    definition: Definition
    values: Mapping[str, str]
    point: Point | None
    """Where the values lie in the search's space; None where the search has none."""
    job: TrainingJob
    config: int = 0
    """Which of the definition's instance configurations it runs on."""
    judged: int = 0
    """How many of its epochs Hyperband has looked at."""
    replaced: bool = False
    """Whether another training job took its place, on other instances."""

    @property
    def has_ended(self) -> bool:
        """Whether the training job has."""
        return self.job.status in TERMINAL

    @property
    def series(self) -> list[float]:
        """Every value of the objective so far, one per epoch, as the log showed them."""
        assert self.job.tuned_by is not None
        return list(self.job.tuned_by.values)

    @property
    def losses(self) -> list[float]:
        """The same so that lower is better."""
        return [self.definition.loss(value) for value in self.series]

    @property
    def objective(self) -> float | None:
        """The last value of the objective; None if there was none or the training job failed."""
        series = self.series
        return series[-1] if series and self.job.status != "Failed" else None

    @property
    def objective_status(self) -> str:
        """As in the service's summaries."""
        if not self.has_ended:
            return "Pending"
        return "Failed" if self.objective is None else "Succeeded"

    @property
    def counter(self) -> str:
        """Under which of TrainingJobStatusCounters it is counted."""
        if not self.has_ended:
            return "InProgress"
        if self.job.status != "Failed":
            return self.job.status
        return "RetryableError" if (self.job.failure_reason or "").startswith(_RETRYABLE) else "NonRetryableError"

    def summary(self, tuning_job: str | None = None) -> dict[str, Any]:
        """The HyperParameterTrainingJobSummary; `tuning_job` is named where it may be another one's."""
        answer: dict[str, Any] = {
            "TrainingJobDefinitionName": self.definition.name,
            "TrainingJobName": self.job.name,
            "TrainingJobArn": self.job.arn,
            "TuningJobName": tuning_job,
            "CreationTime": self.job.created,
            "TrainingStartTime": self.job.training_started,
            "TrainingEndTime": self.job.training_ended,
            "TrainingJobStatus": self.job.status,
            "TunedHyperParameters": dict(self.values),
            "FailureReason": self.job.failure_reason,
            "ObjectiveStatus": self.objective_status,
        }
        if self.objective_status == "Succeeded":
            answer["FinalHyperParameterTuningJobObjectiveMetric"] = {
                "Type": self.definition.objective_type,
                "MetricName": self.definition.metric,
                "Value": self.objective,
            }
        return {key: value for key, value in answer.items() if value is not None}
