"""A transform job: its request, its model, its status, and what DescribeTransformJob answers."""

import copy
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from moto.utilities.utils import get_partition

from embedded.nodes.folder_sync import Synced
from embedded.services.sagemaker.jobs.job import TERMINAL, JobKind, changed

KIND = JobKind(word="Transform")

_SHOWN_FIELDS = (
    "TransformJobName",
    "ModelName",
    "MaxConcurrentTransforms",
    "ModelClientConfig",
    "MaxPayloadInMB",
    "BatchStrategy",
    "Environment",
    "TransformInput",
    "TransformOutput",
    "TransformResources",
    "DataCaptureConfig",
    "DataProcessing",
    "ExperimentConfig",
)


class TransformJob:
    """One transform job of one account in one region."""

    def __init__(self, account: str, region: str, request: dict[str, Any], model: Mapping[str, Any]) -> None:
        """`model` is what CreateModel was asked: the job keeps it, whatever becomes of the model."""
        self.kind = KIND
        self.account, self.region = account, region
        self.request, self.model = request, model
        self.name: str = request["TransformJobName"]
        self.arn = f"arn:{get_partition(region)}:sagemaker:{region}:{account}:{KIND.resource}/{self.name}"
        self.tags: list[dict[str, str]] = list(request.get("Tags", []))
        self.created = self.modified = datetime.now(UTC)
        self.started: datetime | None = None
        self.ended: datetime | None = None
        self.status = "InProgress"
        self.failure_reason: str | None = None
        self._lock = threading.RLock()

    def announce(self) -> None:
        """Tell that the job is there, once it is sure to be."""
        changed(self)

    @property
    def container(self) -> Mapping[str, Any]:
        """The model's one container."""
        containers: Sequence[Mapping[str, Any]] = self.model.get("Containers", ())
        found: Mapping[str, Any] = self.model.get("PrimaryContainer", containers[0] if containers else {})
        return found

    @property
    def role_arn(self) -> str:
        """The model's execution role: SageMaker reads and writes with it too."""
        return str(self.model["ExecutionRoleArn"])

    @property
    def is_spot(self) -> bool:
        """The service has no spot instances for transform jobs."""
        return False

    @property
    def is_isolated(self) -> bool:
        """Whether the container has no network."""
        return bool(self.model.get("EnableNetworkIsolation"))

    @property
    def channels(self) -> Sequence[Mapping[str, Any]]:
        """A transform job has none: its instances get records, not files."""
        return ()

    @property
    def checkpoints(self) -> Mapping[str, Any] | None:
        """A transform job has none."""
        return None

    def synced(self) -> Iterator[Synced]:
        """Nothing is copied while the job runs."""
        return iter(())

    def instances(self) -> list[tuple[str, str]]:
        """The instance type of each instance, and the name that a cluster of one type has."""
        resources = self.request["TransformResources"]
        return [(resources["InstanceType"], "homogeneousCluster")] * int(resources["InstanceCount"])

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

    def finish(self, status: str, *, failure_reason: str | None = None) -> None:
        """Enter a final status; a job that has one keeps it."""
        with self._lock:
            if self.status in TERMINAL:
                return
            self.failure_reason, self.status = failure_reason, status
            self.ended = self.modified = datetime.now(UTC)
        changed(self)

    def announced(self) -> dict[str, Any]:
        """What DescribeTransformJob answers now."""
        return self.describe()

    def describe(self) -> dict[str, Any]:
        """What DescribeTransformJob answers."""
        with self._lock:
            answer: dict[str, Any] = {field: copy.deepcopy(self.request.get(field)) for field in _SHOWN_FIELDS}
            answer |= self.summary() | {"TransformStartTime": self.started}
            del answer["LastModifiedTime"]  # a list's entry has it
            return {key: value for key, value in answer.items() if value is not None}

    def summary(self) -> dict[str, Any]:
        """The job's entry in ListTransformJobs."""
        with self._lock:
            answer = {
                "TransformJobName": self.name,
                "TransformJobArn": self.arn,
                "CreationTime": self.created,
                "TransformEndTime": self.ended,
                "LastModifiedTime": self.modified,
                "TransformJobStatus": self.status,
                "FailureReason": self.failure_reason,
            }
            return {key: value for key, value in answer.items() if value is not None}
