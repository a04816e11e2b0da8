"""A processing job: its request, its status, and what DescribeProcessingJob answers."""

import copy
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from moto.utilities.utils import get_partition

from embedded.nodes.folder_sync import Synced
from embedded.services.sagemaker.jobs.job import TERMINAL, JobKind, changed
from embedded.services.sagemaker.processing.fields import ProcessingOutput, channel, managed_inputs, managed_outputs

KIND = JobKind(word="Processing")

_SHOWN_FIELDS = (
    "ProcessingInputs",
    "ProcessingOutputConfig",
    "ProcessingJobName",
    "ProcessingResources",
    "StoppingCondition",
    "AppSpecification",
    "Environment",
    "NetworkConfig",
    "RoleArn",
    "ExperimentConfig",
)
_DEFAULT_RUNTIME_SECONDS = 86400
_GROUP = "homogeneousCluster"


class ProcessingJob:
    """One processing job of one account in one region."""

    def __init__(self, account: str, region: str, request: dict[str, Any]) -> None:
        self.kind = KIND
        self.account, self.region = account, region
        self.request = request
        self.name: str = request["ProcessingJobName"]
        self.arn = f"arn:{get_partition(region)}:sagemaker:{region}:{account}:{KIND.resource}/{self.name}"
        self.tags: list[dict[str, str]] = list(request.get("Tags", []))
        self.created = self.modified = datetime.now(UTC)
        self.started: datetime | None = None
        self.ended: datetime | None = None
        self.status = "InProgress"
        self.failure_reason: str | None = None
        self.exit_message: str | None = None
        self._chosen: Mapping[str, Any] | None = None
        self._lock = threading.RLock()

    def announce(self) -> None:
        """Tell that the job is there, once it is sure to be."""
        changed(self)

    @property
    def cluster(self) -> Mapping[str, Any]:
        """The request's ClusterConfig."""
        config: Mapping[str, Any] = self.request["ProcessingResources"]["ClusterConfig"]
        return config

    @property
    def runtime_seconds(self) -> int:
        """How long the job may run; without a StoppingCondition, a day."""
        return int(self.request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", _DEFAULT_RUNTIME_SECONDS))

    @property
    def role_arn(self) -> str:
        """The execution role."""
        return str(self.request["RoleArn"])

    @property
    def is_spot(self) -> bool:
        """The service has no spot instances for processing."""
        return False

    @property
    def is_isolated(self) -> bool:
        """Whether its containers have no network but each other."""
        return bool(self.request.get("NetworkConfig", {}).get("EnableNetworkIsolation"))

    @property
    def channels(self) -> Sequence[Mapping[str, Any]]:
        """The inputs that the service itself brings to the nodes."""
        return [channel(entry) for entry in managed_inputs(self.request)]

    @property
    def outputs(self) -> Sequence[ProcessingOutput]:
        """The outputs that the service itself uploads."""
        return managed_outputs(self.request)

    @property
    def checkpoints(self) -> Mapping[str, Any] | None:
        """Processing jobs have none: what they leave is their outputs."""
        return None

    def synced(self) -> Iterator[Synced]:
        """The folders of the outputs that are uploaded while the job runs."""
        return (output.synced for output in self.outputs if output.is_continuous)

    def candidates(self) -> Sequence[Mapping[str, Any]]:
        """What instances the job may run on, in the order of preference: InstanceType and InstanceCount."""
        cluster = self.cluster
        preferences = cluster.get("InstancePreferences", [cluster])
        count = cluster.get("InstanceCount", 1)
        return [
            {"InstanceType": entry["InstanceType"], "InstanceCount": entry.get("InstanceCount", count)}
            for entry in preferences
        ]

    def choose(self, candidate: Mapping[str, Any]) -> None:
        """Run on these instances."""
        self._chosen = candidate

    def instances(self) -> list[tuple[str, str]]:
        """The instance type of each host, in host order, and the name that a cluster of one type has."""
        chosen = self.candidates()[0] if self._chosen is None else self._chosen
        return [(chosen["InstanceType"], _GROUP)] * chosen["InstanceCount"]

    def start(self) -> None:
        """Record that the job has its instances."""
        with self._lock:
            self.started = self.modified = datetime.now(UTC)

    def note_stopping(self, message: str) -> None:
        """Enter the status Stopping; Describe has no room for the message."""
        with self._lock:
            if self.status != "InProgress":
                return
            self.status, self.modified = "Stopping", datetime.now(UTC)
        changed(self)

    def finish(self, status: str, *, failure_reason: str | None = None, exit_message: str | None = None) -> None:
        """Enter a final status; a job that has one keeps it."""
        with self._lock:
            if self.status in TERMINAL:
                return
            self.failure_reason, self.exit_message = failure_reason, exit_message
            self.status = status
            self.ended = self.modified = datetime.now(UTC)
        changed(self)

    def announced(self) -> dict[str, Any]:
        """What DescribeProcessingJob answers now."""
        return self.describe()

    def describe(self) -> dict[str, Any]:
        """What DescribeProcessingJob answers."""
        with self._lock:
            answer: dict[str, Any] = {field: copy.deepcopy(self.request.get(field)) for field in _SHOWN_FIELDS}
            if "InstancePreferences" in self.cluster and self._chosen is not None:
                answer["ProcessingResources"]["ClusterConfig"] |= {
                    "SelectedInstanceType": self._chosen["InstanceType"],
                    "SelectedInstanceCount": self._chosen["InstanceCount"],
                }
            answer |= self.summary() | {"ProcessingStartTime": self.started}
            return {key: value for key, value in answer.items() if value is not None}

    def summary(self) -> dict[str, Any]:
        """The job's entry in ListProcessingJobs."""
        with self._lock:
            answer = {
                "ProcessingJobName": self.name,
                "ProcessingJobArn": self.arn,
                "CreationTime": self.created,
                "ProcessingEndTime": self.ended,
                "LastModifiedTime": self.modified,
                "ProcessingJobStatus": self.status,
                "FailureReason": self.failure_reason,
                "ExitMessage": self.exit_message,
            }
            return {key: value for key, value in answer.items() if value is not None}
