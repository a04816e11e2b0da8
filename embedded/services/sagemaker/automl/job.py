"""An AutoML job: its request, its search, its best candidate, and what DescribeAutoMLJobV2 answers."""

import math
import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from moto.utilities.utils import get_partition

from embedded.services.sagemaker.automl.request import METRIC_NAMES, SENTENCE, limits, tabular
from embedded.services.sagemaker.jobs.job import TERMINAL
from embedded.services.sagemaker.training.job import TrainingJob, now
from embedded.services.sagemaker.tuning.job import TuningJob

_SHOWN = (
    "AutoMLJobInputDataConfig",
    "OutputDataConfig",
    "RoleArn",
    "AutoMLJobObjective",
    "AutoMLProblemTypeConfig",
    "DataSplitConfig",
    "SecurityConfig",
)


class AutoMLJob:
    """One AutoML job of one account in one region."""

    def __init__(self, account: str, region: str, request: dict[str, Any]) -> None:
        self.account, self.region, self.request = account, region, request
        self.name: str = request["AutoMLJobName"]
        self.arn = f"arn:{get_partition(region)}:sagemaker:{region}:{account}:automl-job/{self.name}"
        self.tags: list[dict[str, str]] = list(request.get("Tags", []))
        self.created = self.modified = now()
        self.ended: datetime | None = None
        self.status, self.secondary = "InProgress", "Starting"
        self.failure_reason: str | None = None
        self.tuning: TuningJob | None = None
        self.stack: TrainingJob | None = None
        self._lock = threading.RLock()

    def move(self, secondary: str, *, status: str | None = None) -> None:
        """Enter a secondary status, and perhaps a status."""
        with self._lock:
            if self.status in TERMINAL or (self.status == "Stopping" and status is None):
                return
            self.secondary, self.modified = secondary, now()
            if status is not None:
                self.status = status

    def finish(self, status: str, secondary: str, failure_reason: str | None = None) -> None:
        """Enter a final status."""
        with self._lock:
            self.move(secondary, status=status)
            self.ended, self.failure_reason = self.modified, failure_reason

    def candidates(self) -> list[dict[str, Any]]:
        """The stack first, then those that it is made of."""
        found = [] if self.stack is None else [self._candidate(self.stack)]
        return found + [self._candidate(trial.job) for trial in ([] if self.tuning is None else self.tuning.trials)]

    def describe(self) -> dict[str, Any]:
        """What DescribeAutoMLJobV2 answers; the only words of it that are free say that this is a stand-in."""
        with self._lock:
            answer: dict[str, Any] = {
                **self.summary(),
                **{field: self.request.get(field) for field in _SHOWN},
                "AutoMLProblemTypeConfigName": "Tabular",
                "ResolvedAttributes": {
                    "AutoMLJobObjective": {"MetricName": self._metric()},
                    "CompletionCriteria": limits(self.request),
                },
            }
            if self.stack is not None and self.stack.status == "Completed":
                answer["BestCandidate"] = self._candidate(self.stack)
            return {key: value for key, value in answer.items() if value is not None}

    def summary(self) -> dict[str, Any]:
        """Its entry in ListAutoMLJobs."""
        answer = {
            "AutoMLJobName": self.name,
            "AutoMLJobArn": self.arn,
            "AutoMLJobStatus": self.status,
            "AutoMLJobSecondaryStatus": self.secondary,
            "CreationTime": self.created,
            "EndTime": self.ended,
            "LastModifiedTime": self.modified,
            "FailureReason": self.failure_reason,
            "PartialFailureReasons": [{"PartialFailureMessage": SENTENCE}],
        }
        return {key: value for key, value in answer.items() if value is not None}

    def _metric(self) -> str:
        asked = self.request.get("AutoMLJobObjective", {}).get("MetricName")
        if asked is not None:
            return str(asked)
        jobs = [trial.job for trial in self.tuning.trials] if self.tuning is not None else []
        measures = any("validation:r2" in job.metrics for job in jobs)
        return "MSE" if measures or tabular(self.request).get("ProblemType") == "Regression" else "Accuracy"

    def _candidate(self, job: TrainingJob) -> dict[str, Any]:
        step = {"CandidateStepType": "AWS::SageMaker::TrainingJob", "CandidateStepArn": job.arn}
        answer: dict[str, Any] = {
            "CandidateName": job.name,
            "CandidateStatus": job.status,
            "ObjectiveStatus": "Pending" if job.status not in TERMINAL else "Failed",
            "CandidateSteps": [{**step, "CandidateStepName": job.name}],
            "CreationTime": job.created,
            "EndTime": job.training_ended,
            "LastModifiedTime": job.modified,
            "FailureReason": job.failure_reason,
        }
        value = self._value(job.metrics)
        if value is not None and job.status != "Failed":
            name = self._metric()
            kind = "Minimize" if name in ("MSE", "RMSE") else "Maximize"
            answer["FinalAutoMLJobObjectiveMetric"] = {"Type": kind, "MetricName": name, "Value": value}
            answer["ObjectiveStatus"] = "Succeeded" if job.status in TERMINAL else "Pending"
        if job.model_artifacts is not None:
            image = job.request["AlgorithmSpecification"]["TrainingImage"]
            answer["InferenceContainers"] = [{"Image": image, "ModelDataUrl": job.model_artifacts}]
        return {key: value for key, value in answer.items() if value is not None}

    def _value(self, metrics: Mapping[str, Mapping[str, Any]]) -> float | None:
        name = self._metric()
        found = metrics.get(METRIC_NAMES[name])
        if found is None:
            return None
        value = float(found["Value"])
        return math.pow(value, 2) if name == "MSE" else value
