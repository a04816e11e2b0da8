"""One endpoint: what serves it now, what is on its way, and what DescribeEndpoint says of both."""

import copy
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from moto.utilities.utils import get_partition

from embedded.services.sagemaker.serving.endpoints.views import shadows_of, variants_of
from embedded.services.sagemaker.serving.fleets.generation import Generation

IN_PROGRESS = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")
_HISTORY_MOST = 500

Route = tuple[float, Generation]
"""A part of the traffic, from 0 to 1, and what answers it."""


@dataclass(kw_only=True, slots=True)
class Pending:
    """A deployment on its way."""

    generation: Generation
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    status: str = "Creating"
    """The VariantStatus of the new fleet."""
    since: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """One line of an endpoint's history."""

    time: float
    what: str


class Endpoint:
    """One endpoint of one account in one region."""

    def __init__(self, account: str, region: str, name: str, config: str, tags: Mapping[str, str]) -> None:
        self.account, self.region, self.name = account, region, name
        self.arn = f"arn:{get_partition(region)}:sagemaker:{region}:{account}:endpoint/{name}"
        self.config = config
        """The name of the configuration in service."""
        self.tags = dict(tags)
        self.created = self.modified = datetime.now(UTC)
        self.status = "Creating"
        self.failure_reason: str | None = None
        self.routes: tuple[Route, ...] = ()
        """What answers requests now; it is replaced as a whole and never changed."""
        self.pending: Pending | None = None
        self.deployment_config: Mapping[str, Any] | None = None
        """The DeploymentConfig of the last deployment, or the one given at creation for the first."""
        self.history: list[Moment] = []
        self.lock = threading.RLock()

    @property
    def current(self) -> Generation | None:
        """What is in service; None before the first fleet is well."""
        for _, generation in self.routes:
            if generation.config == self.config:
                return generation
        return self.routes[0][1] if self.routes else None

    def note(self, what: str) -> None:
        """Add a line to the history, which only the cloud's owner reads: the service tells less."""
        with self.lock:
            self.history = [*self.history, Moment(time=time.time(), what=what)][-_HISTORY_MOST:]

    def enter(self, status: str, *, failure_reason: str | None = None) -> None:
        """Enter a status."""
        with self.lock:
            self.status, self.failure_reason = status, failure_reason
            self.modified = datetime.now(UTC)
        self.note(status if failure_reason is None else f"{status}: {failure_reason}")

    def route(self, *routes: Route) -> None:
        """Send the traffic there from the next request on."""
        self.routes = tuple(one for one in routes if one[0] > 0)
        shown = ", ".join(f"{100 * share:.0f} % to {generation.config}" for share, generation in self.routes)
        self.note(f"traffic: {shown or 'none'}")

    def describe(self) -> dict[str, Any]:
        """What DescribeEndpoint answers."""
        with self.lock:
            current, pending = self.current, self.pending
            answer: dict[str, Any] = {
                **self.summary(),
                "EndpointConfigName": self.config,
                "FailureReason": self.failure_reason,
                "LastDeploymentConfig": copy.deepcopy(self.deployment_config),
            }
            if current is not None:
                answer |= _of_generation(current)
                status = "Deleting" if self.status == "Deleting" else None
                answer["ProductionVariants"] = variants_of(current, status)
                if current.shadows:
                    answer["ShadowProductionVariants"] = shadows_of(current)
            if pending is not None and current is not None:
                answer["PendingDeploymentSummary"] = {
                    "EndpointConfigName": pending.generation.config,
                    "StartTime": pending.started,
                    "ProductionVariants": variants_of(pending.generation, pending.status, pending.since),
                }
            return {key: value for key, value in answer.items() if value is not None}

    def summary(self) -> dict[str, Any]:
        """The endpoint's entry in ListEndpoints."""
        return {
            "EndpointName": self.name,
            "EndpointArn": self.arn,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            "EndpointStatus": self.status,
        }


def _of_generation(current: Generation) -> dict[str, Any]:
    """What Describe says of the configuration in service."""
    answer: dict[str, Any] = {}
    capture = current.capture
    if capture is not None:
        enabled = bool(capture.get("EnableCapture"))
        answer["DataCaptureConfig"] = {
            "EnableCapture": enabled,
            "CaptureStatus": "Started" if enabled else "Stopped",
            "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
            "DestinationS3Uri": capture["DestinationS3Uri"],
            "KmsKeyId": capture.get("KmsKeyId", ""),
        }
    if current.asynchronous is not None:
        answer["AsyncInferenceConfig"] = copy.deepcopy(dict(current.asynchronous))
    return answer
