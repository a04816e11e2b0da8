"""Targets, policies, scheduled actions and activities of every account and region."""

import secrets
import threading
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from moto.utilities.utils import get_partition

from embedded.kept import parts
from embedded.operations import Call, Params, ServiceError

NAMESPACE = "sagemaker"
INSTANCES = "sagemaker:variant:DesiredInstanceCount"
CONCURRENCY = "sagemaker:variant:DesiredProvisionedConcurrency"
DIMENSIONS = (INSTANCES, CONCURRENCY)

Key = tuple[str, str, str, str]
"""Account, region, resource, dimension."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(kw_only=True, slots=True, eq=False)
class Target:
    """One scalable target."""

    account: str
    region: str
    resource: str
    """`endpoint/NAME/variant/NAME`."""
    dimension: str
    minimum: int
    maximum: int
    role_arn: str
    suspended: dict[str, bool] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    created: datetime = field(default_factory=_now)
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    out_at: float | None = None
    """When it was last scaled out, by the cloud's calendar."""
    in_at: float | None = None

    @property
    def key(self) -> Key:
        """What finds it."""
        return self.account, self.region, self.resource, self.dimension

    @property
    def arn(self) -> str:
        """Its ARN."""
        return _arn(self.region, self.account, "application-autoscaling", f"scalable-target/{self.id}")

    @property
    def endpoint(self) -> str:
        """The endpoint's name."""
        return self.resource.split("/")[1]

    @property
    def variant(self) -> str:
        """The variant's name."""
        return self.resource.split("/")[3]


@dataclass(kw_only=True, slots=True, eq=False)
class Policy:
    """One scaling policy."""

    name: str
    target: Target
    kind: str
    """StepScaling or TargetTrackingScaling."""
    config: dict[str, Any]
    alarms: list[str] = field(default_factory=list)
    """The names of the alarms that the service keeps for it."""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    created: datetime = field(default_factory=_now)
    acted: dict[str, float] = field(default_factory=dict)
    """When each alarm had its last effect, by the cloud's calendar."""

    @property
    def arn(self) -> str:
        """Its ARN, which alarms name as their action."""
        where = f"scalingPolicy:{self.id}:resource/{NAMESPACE}/{self.target.resource}:policyName/{self.name}"
        return _arn(self.target.region, self.target.account, "autoscaling", where)


@dataclass(kw_only=True, slots=True, eq=False)
class Action:
    """One scheduled action."""

    name: str
    target: Target
    schedule: str
    zone: str
    bounds: dict[str, int]
    start: datetime | None = None
    end: datetime | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    created: datetime = field(default_factory=_now)

    @property
    def arn(self) -> str:
        """Its ARN."""
        where = f"scheduledAction:{self.id}:resource/{NAMESPACE}/{self.target.resource}:scheduledActionName/{self.name}"
        return _arn(self.target.region, self.target.account, "autoscaling", where)


@dataclass(kw_only=True, slots=True, eq=False)
class Activity:
    """What the engine did, or did not."""

    target: Target
    description: str
    cause: str
    status: str = "InProgress"
    message: str = ""
    not_scaled: list[dict[str, Any]] = field(default_factory=list)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    started: datetime = field(default_factory=_now)
    ended: datetime | None = None


targets: dict[Key, Target] = {}
policies: dict[tuple[Key, str], Policy] = {}
actions: dict[tuple[Key, str], Action] = {}
activities: list[Activity] = []
"""The oldest first."""
lock = threading.RLock()

for _name, _kept in (("targets", targets), ("policies", policies), ("actions", actions), ("activities", activities)):
    parts.keep_contents(f"applicationautoscaling.{_name}", _kept)


def key_of(call: Call, params: Params) -> Key:
    """What a request is about; a namespace or dimension of which nothing here scales is refused by name."""
    namespace, resource, dimension = params["ServiceNamespace"], params["ResourceId"], params["ScalableDimension"]
    check_namespace(namespace)
    if dimension not in DIMENSIONS:
        raise ServiceError(
            "ValidationException",
            f"The scalable dimension {dimension} is not emulated: known are {', '.join(DIMENSIONS)}.",
        )
    place = resource.split("/")
    if len(place) != 4 or (place[0], place[2]) != ("endpoint", "variant"):
        raise ServiceError(
            "ValidationException", f"Unsupported resource type: {resource} is not endpoint/NAME/variant/NAME."
        )
    return call.account, call.region, resource, dimension


def check_namespace(namespace: str) -> None:
    """Only SageMaker's resources are scaled here."""
    if namespace != NAMESPACE:
        message = f"The service namespace {namespace} is not emulated: nothing would scale. Only {NAMESPACE} is."
        raise ServiceError("ValidationException", message)


def target_of(call: Call, params: Params) -> Target:
    """The target that a request names, or the service's error."""
    key = key_of(call, params)
    found = targets.get(key)
    if found is None:
        said = f"No scalable target registered for service namespace: {NAMESPACE}, resource ID: {key[2]}, "
        raise ServiceError("ObjectNotFoundException", f"{said}scalable dimension: {key[3]}")
    return found


def _arn(region: str, account: str, service: str, rest: str) -> str:
    return f"arn:{get_partition(region)}:{service}:{region}:{account}:{rest}"
