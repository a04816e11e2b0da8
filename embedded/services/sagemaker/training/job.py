"""A training job: its request, its status and transitions, and what DescribeTrainingJob answers."""

import copy
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from moto.utilities.utils import get_partition

from contract.builtin import Algorithm
from embedded.nodes.folder_sync import Synced
from embedded.nodes.image import built_in
from embedded.services.sagemaker.jobs.job import TERMINAL, JobKind, changed
from embedded.services.sagemaker.jobs.synced_folders import synced
from embedded.settings import current

KIND = JobKind(word="Training")

_ON_THE_WAY = ("Starting", "Downloading", "Training", "Interrupted", "Restarting")

_POOL_FIELDS = ("RoleArn", "VpcConfig", "EnableNetworkIsolation", "EnableInterContainerTrafficEncryption")

_SHOWN_FIELDS = (
    "TrainingJobName",
    "HyperParameters",
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "VpcConfig",
    "StoppingCondition",
    "CheckpointConfig",
    "DebugHookConfig",
    "DebugRuleConfigurations",
    "TensorBoardOutputConfig",
    "ExperimentConfig",
    "ProfilerConfig",
    "ProfilerRuleConfigurations",
    "Environment",
    "RetryStrategy",
    "RemoteDebugConfig",
    "InfraCheckConfig",
    "MlflowConfig",
    "ModelPackageConfig",
)


def now() -> datetime:
    """The current time, with the time zone that the API's timestamps have."""
    return datetime.now(UTC)


@dataclass(kw_only=True, slots=True)
class TunedBy:
    """The tuning job that launched a training job, and what it follows of it."""

    arn: str
    metric: str
    values: list[float] = field(default_factory=list)
    """Every value of the metric, as the logs showed them."""


class TrainingJob:
    """One training job of one account in one region."""

    tuned_by: TunedBy | None = None
    """Of the class too: what an earlier release has kept lacks it."""

    def __init__(self, account: str, region: str, request: dict[str, Any], *, tuned_by: TunedBy | None = None) -> None:
        self.kind = KIND
        self.tuned_by = tuned_by
        self.account, self.region = account, region
        self.request = request
        self.name: str = request["TrainingJobName"]
        self.arn = f"arn:{get_partition(region)}:sagemaker:{region}:{account}:{KIND.resource}/{self.name}"
        self.tags: list[dict[str, str]] = list(request.get("Tags", []))
        self.created = self.modified = now()
        self.training_started: datetime | None = None
        self.training_ended: datetime | None = None
        self.status, self.secondary_status = "InProgress", "Starting"
        self.transitions: list[dict[str, Any]] = []
        self.failure_reason: str | None = None
        self.model_artifacts: str | None = None
        self.training_seconds: float = 0.0
        self.chosen_instance_type: str | None = None
        self.warm_pool: dict[str, Any] | None = None
        self.metrics: dict[str, dict[str, Any]] = {}
        self.ended = threading.Event()
        self._lock = threading.RLock()
        self.move("Starting", "Starting the training job")

    @property
    def resources(self) -> dict[str, Any]:
        """The request's ResourceConfig."""
        config: dict[str, Any] = self.request.get("ResourceConfig", {})
        return config

    @property
    def is_spot(self) -> bool:
        """Whether the job asked for managed spot training."""
        return bool(self.request.get("EnableManagedSpotTraining"))

    @property
    def is_isolated(self) -> bool:
        """Whether its containers have no network but each other."""
        return bool(self.request.get("EnableNetworkIsolation"))

    @property
    def role_arn(self) -> str:
        """The execution role."""
        return str(self.request["RoleArn"])

    @property
    def channels(self) -> Sequence[Mapping[str, Any]]:
        """The request's channels, each with its own input mode or with the job's."""
        mode = self.request["AlgorithmSpecification"]["TrainingInputMode"]
        return [
            {"InputMode": mode, "Folder": f"/opt/ml/input/data/{channel['ChannelName']}", **channel}
            for channel in self.request.get("InputDataConfig", [])
        ]

    @property
    def checkpoints(self) -> Mapping[str, Any] | None:
        """The request's CheckpointConfig."""
        return self.request.get("CheckpointConfig")

    @property
    def output(self) -> Mapping[str, Any]:
        """The request's OutputDataConfig."""
        config: Mapping[str, Any] = self.request["OutputDataConfig"]
        return config

    @property
    def metric_definitions(self) -> Sequence[Mapping[str, str]]:
        """The request's MetricDefinitions."""
        definitions: Sequence[Mapping[str, str]] = self.request["AlgorithmSpecification"].get("MetricDefinitions", [])
        own = {definition["Name"] for definition in definitions}
        return [*definitions, *(one for one in self._built_in_metrics() if one["Name"] not in own)]

    def _built_in_metrics(self) -> list[dict[str, str]]:
        metrics = {} if self.built_in is None else self.built_in.metrics
        return [{"Name": name, "Regex": regex} for name, regex in metrics.items()]

    @property
    def built_in(self) -> Algorithm | None:
        """The built-in algorithm that it runs, by a stand-in."""
        return built_in(self.request.get("AlgorithmSpecification", {}).get("TrainingImage", ""))

    @property
    def pool_key(self) -> Mapping[str, Any]:
        """What another job must have in common with this one to use its warm pool."""
        return {field: self.request.get(field) for field in _POOL_FIELDS}

    @property
    def keep_alive_seconds(self) -> int:
        """How long the instances are kept after the job; 0 for not at all. UpdateTrainingJob changes it."""
        return int(self.resources.get("KeepAlivePeriodInSeconds", 0))

    @keep_alive_seconds.setter
    def keep_alive_seconds(self, seconds: int) -> None:
        self.resources["KeepAlivePeriodInSeconds"] = seconds

    def synced(self) -> Iterator[Synced]:
        """The folders that are copied to S3 while the job runs."""
        return synced(self.request, self.name)

    def instances(self) -> list[tuple[str, str]]:
        """The instance type and the group's name of each host, in host order."""
        groups = self.resources.get("InstanceGroups")
        if groups:
            return [
                (group["InstanceType"], group["InstanceGroupName"])
                for group in groups
                for _ in range(group["InstanceCount"])
            ]
        return [(self.instance_type(), "homogeneousCluster")] * self.resources.get("InstanceCount", 1)

    def instance_type(self) -> str:
        """The type of the first group's instances; among preferences, the one that was chosen."""
        if self.chosen_instance_type is not None:
            return self.chosen_instance_type
        preferences = self.resources.get("InstancePreferences")
        if preferences:
            return str(preferences[0]["InstanceType"])
        groups = self.resources.get("InstanceGroups")
        return str(groups[0]["InstanceType"] if groups else self.resources.get("InstanceType", ""))

    def move(self, secondary: str, message: str, *, status: str | None = None) -> None:
        """Enter a secondary status, which ends the one before. Entering the same one again only changes its message."""
        with self._lock:
            if self.status in TERMINAL or (self.status == "Stopping" and secondary in _ON_THE_WAY):
                # the job has ended or been asked to end meanwhile: it cannot go back
                return
            moment = now()
            if self.transitions and self.transitions[-1]["Status"] == secondary:
                self.transitions[-1]["StatusMessage"] = message
            else:
                if self.transitions:
                    self.transitions[-1].setdefault("EndTime", moment)
                self.transitions.append({"Status": secondary, "StartTime": moment, "StatusMessage": message})
            self.secondary_status, self.modified = secondary, moment
            if status is not None:
                self.status = status
        changed(self)

    def note_stopping(self, message: str) -> None:
        """Enter the status Stopping."""
        self.move("Stopping", message, status="Stopping")

    def finish(self, status: str, secondary: str, message: str, failure_reason: str | None = None) -> None:
        """Enter a final status."""
        with self._lock:
            self.failure_reason = failure_reason
            self.move(secondary, message, status=status)
            self.transitions[-1]["EndTime"] = self.transitions[-1]["StartTime"]
            if self.training_ended is None:
                self.training_ended = self.modified
        self.ended.set()

    def start_training(self) -> None:
        """Record that the job has its instances: billing starts."""
        with self._lock:
            if self.training_started is None:
                self.training_started = now()

    def record_metric(self, name: str, value: float, moment: datetime) -> None:
        """Keep the latest value of an algorithm's metric, and every value of the one that is tuned for."""
        with self._lock:
            self.metrics[name] = {"MetricName": name, "Value": value, "Timestamp": moment}
            if self.tuned_by is not None and self.tuned_by.metric == name:
                self.tuned_by.values.append(value)

    def announced(self) -> dict[str, Any]:
        """What DescribeTrainingJob answers now."""
        return self.describe(current.spot_billable_ratio)

    def describe(self, spot_billable_ratio: float) -> dict[str, Any]:
        """What DescribeTrainingJob answers."""
        with self._lock:
            answer: dict[str, Any] = {
                "TrainingJobArn": self.arn,
                "TuningJobArn": None if self.tuned_by is None else self.tuned_by.arn,
                "TrainingJobStatus": self.status,
                "SecondaryStatus": self.secondary_status,
                "SecondaryStatusTransitions": copy.deepcopy(self.transitions),
                "CreationTime": self.created,
                "LastModifiedTime": self.modified,
                "EnableNetworkIsolation": self.is_isolated,
                "EnableInterContainerTrafficEncryption": bool(
                    self.request.get("EnableInterContainerTrafficEncryption")
                ),
                "EnableManagedSpotTraining": self.is_spot,
                "ProfilingStatus": "Disabled",
                "FailureReason": self.failure_reason,
                "TrainingStartTime": self.training_started,
                "TrainingEndTime": self.training_ended,
                "FinalMetricDataList": list(self.metrics.values()) or None,
                "WarmPoolStatus": self.warm_pool,
            }
            answer.update({field: self.request.get(field) for field in _SHOWN_FIELDS})
            algorithm = self.built_in
            if algorithm is not None:
                specification = self.request["AlgorithmSpecification"]
                answer["AlgorithmSpecification"] = {**specification, "MetricDefinitions": self.metric_definitions}
                for transition in answer["SecondaryStatusTransitions"]:
                    if transition["Status"] == "Training":
                        transition["StatusMessage"] += f" {algorithm.sentence}"
            if self.model_artifacts is not None:
                answer["ModelArtifacts"] = {"S3ModelArtifacts": self.model_artifacts}
            if self.training_ended is not None and self.training_started is not None:
                answer["TrainingTimeInSeconds"] = max(1, round(self.training_seconds))
                ratio = spot_billable_ratio if self.is_spot else 1.0
                answer["BillableTimeInSeconds"] = max(1, round(self.training_seconds * ratio))
            return {key: value for key, value in answer.items() if value is not None}

    def summary(self) -> dict[str, Any]:
        """The job's entry in ListTrainingJobs."""
        with self._lock:
            answer = {
                "TrainingJobName": self.name,
                "TrainingJobArn": self.arn,
                "CreationTime": self.created,
                "TrainingEndTime": self.training_ended,
                "LastModifiedTime": self.modified,
                "TrainingJobStatus": self.status,
                "SecondaryStatus": self.secondary_status,
                "WarmPoolStatus": self.warm_pool,
                "TrainingPlanArn": self.resources.get("TrainingPlanArn"),
            }
            return {key: value for key, value in answer.items() if value is not None}
