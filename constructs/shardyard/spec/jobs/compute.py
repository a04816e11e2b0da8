"""The parts of a job definition about its instances, its time limits, and what to do without capacity."""

from dataclasses import dataclass
from typing import Any

from contract.hyperparameters import Scalar
from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.tree import setting

INSTANCE_TYPE = r"ml\.[a-z0-9-]+\.[a-z0-9]+"
INSTANCE_TYPE_SAYS = "a training instance type such as ml.g5.xlarge"
_PLAN = r"arn:aws[a-z-]*:sagemaker:[a-z0-9-]*:[0-9]{12}:training-plan/.+"
_PLAN_SAYS = "a training plan's ARN"
MOST_SECONDS = 28 * 24 * 3600
"""The longest that any training job may run or wait: 28 days."""


def _type(default: Any = ..., doc: str = "The instance type.") -> Any:
    extra = {} if default is ... else {"default": default}
    return setting(doc=doc, pattern=INSTANCE_TYPE, says=INSTANCE_TYPE_SAYS, **extra)


@dataclass(frozen=True, kw_only=True, slots=True)
class InstanceGroup:
    """A heterogeneous cluster has a group for each kind of machine."""

    name: str = setting(
        doc="The group's name, which channels refer to.",
        pattern=r"[A-Za-z0-9._-]{1,64}",
        says="1 to 64 letters, digits, dots, hyphens and underscores",
    )
    instance_type: str = _type()
    count: int = setting(1, "How many instances.", least=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Preference:
    """SageMaker takes the first of its preferences that has capacity."""

    instance_type: str = _type()
    count: int | None = setting(None, "How many instances; by default `compute.count`.", least=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class InstancePreference(Preference):
    """SageMaker takes the first of its preferences that has capacity."""

    training_plan: str | None = setting(None, "Take them from this plan.", pattern=_PLAN, says=_PLAN_SAYS)


@dataclass(frozen=True, kw_only=True, slots=True)
class OtherType:
    """The state machine tries the next fallback, as a new attempt of the run, when capacity or quota is short."""

    instance_type: str = _type()
    count: int | None = setting(None, "How many instances; by default as before.", least=1)
    environment: dict[str, str] = setting(
        doc="Variables that belong to this type, such as those of EFA and NCCL.", factory=dict
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Fallback(OtherType):
    """The state machine tries the next fallback, as a new attempt of the run, when capacity or quota is short."""

    on_demand: bool = setting(False, "Leave spot: take capacity at the full price.")
    processes_per_node: int | None = setting(
        None, "How many ranks on each node; by default one per GPU of the new type.", least=1
    )
    hyperparameters: dict[str, Scalar] = setting(
        doc="Hyperparameters that belong to this type, such as the batch size.", factory=dict
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class UltraServer:
    """Some of the instances must lie in one UltraServer."""

    id: str | None = setting(None, "The UltraServer; by default any.", pattern=r".{1,256}")
    count: int = setting(doc="How many instances of the job.", least=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """The placement says where in the network the instances lie (UltraServers only)."""

    multiple_jobs: bool = setting(False, "Let several jobs share one UltraServer.")
    ultra_servers: tuple[UltraServer, ...] = setting((), "How the instances are spread over UltraServers.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Capacity:
    """The job runs on one instance type, or on the first preference that can be had."""

    instance_type: str | None = _type(None, "The instance type; groups and preferences name their own instead.")
    count: int = setting(1, "How many instances.", least=1)
    volume_gb: int = setting(
        30,
        "The disk of each instance; types with a local disk use that instead.",
        least=1,
        most=16384,
        unit="gigabytes",
        key="volume",
    )
    volume_kms_key: str | None = setting(
        None, "The key that encrypts the disks; by default the project's key.", pattern=r"[a-zA-Z0-9:/_-]{1,2048}"
    )
    preferences: tuple[Preference, ...] = setting((), "At most 5 types; the first with capacity is taken.")
    fallback: tuple[OtherType, ...] = setting((), "What to try next if this has no capacity.")

    def __post_init__(self) -> None:
        ways = self.ways
        given = [name for name in ways if getattr(self, name)]
        if len(given) != 1:
            said = f"{' and '.join(given)} exclude each other" if given else "no instance type is given"
            raise SpecError([Problem("", f"{said} (exactly one of {', '.join(ways)})")])

    @property
    def ways(self) -> tuple[str, ...]:
        """The keys that can say what the job runs on."""
        return ("instance_type", "preferences")

    @property
    def alternatives(self) -> tuple[tuple[tuple[str, int], ...], ...]:
        """Every possible cluster in order of preference, each as (instance type, count) pairs."""
        return self._one_kind()

    def _one_kind(self) -> tuple[tuple[tuple[str, int], ...], ...]:
        if self.preferences:
            chosen = ((p.instance_type, self.count if p.count is None else p.count) for p in self.preferences)
            return tuple((choice,) for choice in chosen)
        return (((str(self.instance_type), self.count),),)

    @property
    def instance_types(self) -> tuple[str, ...]:
        """The types that the first attempt may use, without fallbacks."""
        return tuple(dict.fromkeys(kind for cluster in self.alternatives for kind, _ in cluster))

    @property
    def most_instances(self) -> int:
        """The largest number of instances that the first attempt may use."""
        return max(sum(count for _, count in cluster) for cluster in self.alternatives)

    @property
    def kept_warm_seconds(self) -> int:
        """How long the instances bill after the job's end."""
        return 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Compute(Capacity):
    """The job runs on one instance type, on instance groups, or on the first preference that can be had."""

    keep_alive_seconds: int | None = setting(
        None,
        "Keep the instances warm for the next job; they bill until then.",
        least=1,
        most=21600,
        unit="seconds",
        key="keep_alive",
    )
    groups: tuple[InstanceGroup, ...] = setting((), "A heterogeneous cluster: at most 5 groups.")
    preferences: tuple[InstancePreference, ...] = setting((), "At most 5 types; the first with capacity is taken.")
    fallback: tuple[Fallback, ...] = setting((), "What to try next if this has no capacity.")
    placement: Placement | None = setting(None, "Placement on UltraServers.")
    training_plan: str | None = setting(None, "A training plan with reserved capacity.", pattern=_PLAN, says=_PLAN_SAYS)

    def __post_init__(self) -> None:
        Capacity.__post_init__(self)
        double = {group.name for group in self.groups if [g.name for g in self.groups].count(group.name) > 1}
        if double:
            raise SpecError([Problem("groups", f"the name {min(double)!r} appears twice")])

    @property
    def ways(self) -> tuple[str, ...]:
        """The keys that can say what the job runs on."""
        return ("instance_type", "groups", "preferences")

    @property
    def alternatives(self) -> tuple[tuple[tuple[str, int], ...], ...]:
        """Every possible cluster in order of preference, each as (instance type, count) pairs."""
        if self.groups:
            return (tuple((group.instance_type, group.count) for group in self.groups),)
        return self._one_kind()

    @property
    def training_plans(self) -> tuple[str, ...]:
        """Every training plan that it names, in order, each once."""
        named = (self.training_plan, *(one.training_plan for one in self.preferences))
        return tuple(dict.fromkeys(plan for plan in named if plan is not None))

    @property
    def kept_warm_seconds(self) -> int:
        """How long the instances bill after the job's end."""
        return 0 if self.keep_alive_seconds is None else self.keep_alive_seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class RunLimits:
    """The job ends when it has run for too long."""

    max_runtime_seconds: int = setting(
        86400, "SageMaker stops the job after this long.", least=1, most=MOST_SECONDS, unit="seconds", key="max_runtime"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits(RunLimits):
    """The job ends when it has run, or waited for capacity, for too long."""

    max_pending_seconds: int | None = setting(
        None,
        "Give up waiting for GPU capacity after this long.",
        least=1800,
        most=MOST_SECONDS,
        unit="seconds",
        key="max_pending",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Spot:
    """Spare capacity costs less, and AWS may take it back with two minutes' notice."""

    enabled: bool = setting(False, "Run on spare capacity, which AWS may take back.")
    max_wait_seconds: int | None = setting(
        None,
        "Limit for running and waiting together; by default twice the longest runtime.",
        least=1,
        most=MOST_SECONDS,
        unit="seconds",
        key="max_wait",
    )
    give_up_seconds: int | None = setting(
        None,
        "Stop waiting for spot capacity after this long, and take the next fallback; by default `spot.max_wait`.",
        least=1,
        most=MOST_SECONDS,
        unit="seconds",
        key="give_up",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """SageMaker itself retries a job that ended in an InternalServerError, and in nothing else."""

    attempts: int = setting(doc="How many retries; the longest runtime covers all of them together.", least=1, most=30)


@dataclass(frozen=True, kw_only=True, slots=True)
class Queue:
    """While quota or capacity is short, a launch tries each fallback, then pauses and tries again."""

    max_wait_seconds: int = setting(
        3600,
        "Give up after this long; 0 tries each fallback once, without waiting.",
        least=0,
        most=MOST_SECONDS,
        unit="seconds",
        key="max_wait",
    )
    first_wait_seconds: int = setting(
        60, "The first pause; each further one is twice as long.", least=1, most=86400, unit="seconds", key="first_wait"
    )
    longest_wait_seconds: int = setting(
        900, "The longest pause.", least=1, most=86400, unit="seconds", key="longest_wait"
    )
