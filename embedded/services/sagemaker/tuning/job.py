"""A tuning job: its request, its training jobs, and what DescribeHyperParameterTuningJob answers."""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from moto.utilities.utils import get_partition

from embedded import clock
from embedded.services.sagemaker.jobs.job import TERMINAL, JobKind, changed
from embedded.services.sagemaker.training.job import now
from embedded.services.sagemaker.tuning import completion
from embedded.services.sagemaker.tuning.definition import Definition, read_definitions
from embedded.services.sagemaker.tuning.trials import Trial

_STATUSES = ("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped")
_OBJECTIVES = ("Succeeded", "Pending", "Failed")


class _Kind(JobKind):
    """Tuning jobs are named in other words than all other jobs."""

    @property
    def name_field(self) -> str:
        return "HyperParameterTuningJobName"

    @property
    def detail_type(self) -> str:
        return "SageMaker HyperParameter Tuning Job State Change"


KIND = _Kind(word="HyperParameterTuning")


class TuningJob:
    """One tuning job of one account in one region."""

    def __init__(self, account: str, region: str, request: dict[str, Any], parents: Sequence["TuningJob"]) -> None:
        self.kind = KIND
        self.account, self.region, self.request = account, region, request
        self.name: str = request["HyperParameterTuningJobName"]
        partition = get_partition(region)
        self.arn = f"arn:{partition}:sagemaker:{region}:{account}:hyper-parameter-tuning-job/{self.name}"
        self.tags: list[dict[str, str]] = list(request.get("Tags", []))
        self.definitions: tuple[Definition, ...] = read_definitions(request)
        self.parents = list(parents)
        self.trials: list[Trial] = []
        self.created = self.modified = now()
        self.ended: datetime | None = None
        self.converged: datetime | None = None
        self.status = "InProgress"
        self.failure_reason: str | None = None
        self._began, self._seconds = clock.seconds(), 0.0
        self._lock = threading.RLock()
        changed(self)  # type: ignore[arg-type]

    @property
    def config(self) -> Mapping[str, Any]:
        """The HyperParameterTuningJobConfig."""
        config: Mapping[str, Any] = self.request["HyperParameterTuningJobConfig"]
        return config

    @property
    def limits(self) -> Mapping[str, int]:
        """The ResourceLimits."""
        limits: Mapping[str, int] = self.config["ResourceLimits"]
        return limits

    @property
    def seconds(self) -> float:
        """For how long it has run, by the cloud's clock."""
        return self._seconds if self.ended is not None else clock.seconds() - self._began

    def add(self, trial: Trial) -> None:
        """Keep a training job that was launched."""
        with self._lock:
            self.trials.append(trial)

    def running(self) -> list[Trial]:
        """Those that have not ended."""
        with self._lock:
            return [trial for trial in self.trials if not trial.has_ended]

    def finished(self) -> list[Trial]:
        """Those with an objective, in the order in which they ended."""
        with self._lock:
            found = [trial for trial in self.trials if trial.objective_status == "Succeeded"]
        return sorted(found, key=lambda trial: trial.job.training_ended or trial.job.modified)

    def losses(self) -> list[float]:
        """The objectives in the order of their coming; lower is better."""
        return [trial.losses[-1] for trial in self.finished()]

    def best(self) -> Trial | None:
        """The training job with the best objective; the earliest of equals."""
        return min(self.finished(), key=lambda trial: trial.losses[-1], default=None)

    def stop(self) -> bool:
        """Begin to stop; False if it does not run."""
        with self._lock:
            if self.status != "InProgress":
                return False
            self.status, self.modified = "Stopping", now()
        changed(self)  # type: ignore[arg-type]
        return True

    def note_convergence(self) -> None:
        """Record that the search has converged."""
        with self._lock:
            if self.converged is None:
                self.converged = now()

    def finish(self, status: str, failure_reason: str | None = None) -> None:
        """Enter a final status."""
        with self._lock:
            if self.status in TERMINAL:
                return
            self._seconds = clock.seconds() - self._began
            self.ended = self.modified = now()
            self.status, self.failure_reason = status, failure_reason
        changed(self)  # type: ignore[arg-type]

    def fail_after_restart(self, reason: str) -> None:
        """The cloud has ended while it ran: its clock has begun anew, so that how long it ran is no longer known."""
        if self.status not in TERMINAL:
            self._began = clock.seconds()
            self.finish("Failed", reason)

    def announced(self) -> dict[str, Any]:
        """What DescribeHyperParameterTuningJob answers now."""
        return self.describe()

    def describe(self) -> dict[str, Any]:
        """What DescribeHyperParameterTuningJob answers."""
        with self._lock:
            many = "TrainingJobDefinitions" in self.request
            shown = [definition.shown() for definition in self.definitions]
            answer: dict[str, Any] = {
                "HyperParameterTuningJobName": self.name,
                "HyperParameterTuningJobArn": self.arn,
                "HyperParameterTuningJobConfig": self.config,
                "TrainingJobDefinition": None if many else shown[0],
                "TrainingJobDefinitions": shown if many else None,
                "HyperParameterTuningJobStatus": self.status,
                "CreationTime": self.created,
                "HyperParameterTuningEndTime": self.ended,
                "LastModifiedTime": self.modified,
                **self.counters(),
                "WarmStartConfig": self.request.get("WarmStartConfig"),
                "Autotune": self.request.get("Autotune"),
                "FailureReason": self.failure_reason,
                "TuningJobCompletionDetails": self._completion(),
                "ConsumedResources": {"RuntimeInSeconds": round(self.seconds)},
            }
            best = self.best()
            answer["BestTrainingJob"] = None if best is None else best.summary()
            answer["OverallBestTrainingJob"] = self._overall_best()
            return {key: value for key, value in answer.items() if value is not None}

    def counters(self) -> dict[str, Any]:
        """How many training jobs are in which state, and how many objectives."""
        statuses = Counter(trial.counter for trial in self.trials)
        objectives = Counter(trial.objective_status for trial in self.trials)
        return {
            "TrainingJobStatusCounters": {name: statuses[name] for name in _STATUSES},
            "ObjectiveStatusCounters": {name: objectives[name] for name in _OBJECTIVES},
        }

    def _completion(self) -> dict[str, Any]:
        details: dict[str, Any] = {
            "NumberOfTrainingJobsObjectiveNotImproving": completion.not_improving(self.losses()),
        }
        if self.converged is not None:
            details["ConvergenceDetectedTime"] = self.converged
        return details

    def _overall_best(self) -> dict[str, Any] | None:
        warm = self.request.get("WarmStartConfig", {})
        if warm.get("WarmStartType") != "IdenticalDataAndAlgorithm":
            return None
        found = [(best.losses[-1], job.name, best) for job in (self, *self.parents) if (best := job.best()) is not None]
        if not found:
            return None
        _, name, best = min(found, key=lambda one: one[0])
        return best.summary(name)

    def summary(self) -> dict[str, Any]:
        """Its entry in ListHyperParameterTuningJobs."""
        with self._lock:
            answer = {
                "HyperParameterTuningJobName": self.name,
                "HyperParameterTuningJobArn": self.arn,
                "HyperParameterTuningJobStatus": self.status,
                "Strategy": self.config["Strategy"],
                "CreationTime": self.created,
                "HyperParameterTuningEndTime": self.ended,
                "LastModifiedTime": self.modified,
                **self.counters(),
                "ResourceLimits": self.limits,
            }
            return {key: value for key, value in answer.items() if value is not None}
