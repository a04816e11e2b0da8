"""The parts of an endpoint's definition about how a change reaches its callers, and what is watched and kept."""

from dataclasses import dataclass
from typing import Literal

from shardyard.spec.tree import setting

ADDRESS = r"(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/)?(?!s3:)[^/\s*?$][^\s*?$]{0,400}/"
ADDRESS_SAYS = (
    "an address that ends with a slash: a key of the artifact bucket, or s3://BUCKET/KEY/, without blanks, *, ? and $"
)
_KEY = r"[a-zA-Z0-9:/_-]{1,2048}"
_TOPIC = r"arn:aws[a-z-]*:sns:[a-z0-9-]*:[0-9]{12}:[a-zA-Z0-9_.-]+"


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """A change makes a new fleet beside the old one, moves the traffic, waits, and goes back when an alarm rings."""

    strategy: Literal["all-at-once", "canary", "linear", "rolling"] = setting(
        "all-at-once",
        "How the traffic moves: at once; a part first and then all; in equal steps; or instance by instance in one "
        "fleet.",
    )
    step_percent: int = setting(10, "How much a canary, a step or a batch takes.", least=5, most=50)
    bake_seconds: int = setting(
        300, "How long the alarms are watched after each step.", least=0, most=3600, unit="seconds", key="bake"
    )
    keep_old_seconds: int = setting(
        0, "How long the old fleet stays after the last step.", least=0, most=3600, unit="seconds", key="keep_old"
    )
    timeout_seconds: int = setting(
        3600, "The longest that a deployment may take.", least=600, most=28800, unit="seconds", key="timeout"
    )
    rollback_percent: int = setting(100, "How much a rolling deployment takes back in one batch.", least=5, most=100)


@dataclass(frozen=True, kw_only=True, slots=True)
class Alarms:
    """Alarms on latency and errors roll a deployment back and tell people; the others only tell."""

    latency_p99_ms: float | None = setting(
        None, "The 99th percentile of the model's latency, in milliseconds.", least=1, most=60_000
    )
    errors_5xx_percent: float | None = setting(
        None, "The share of requests that the model answers with a 5xx.", least=0.01, most=100
    )
    cpu_percent: float | None = setting(
        None, "Use of the processors, 100 for each, averaged over the instances.", least=1, most=20_000
    )
    gpu_memory_percent: float | None = setting(
        None, "Use of the GPUs' memory, 100 for each, averaged over the instances.", least=1, most=1600
    )
    backlog_seconds: int | None = setting(
        None,
        "How long a request of an asynchronous endpoint has waited.",
        least=1,
        most=86400,
        unit="seconds",
        key="backlog",
    )
    names: tuple[str, ...] = setting(
        (),
        "Alarms that you have, which roll a deployment back as well.",
        pattern=r"(?!\s*$)[^\x00-\x1f\x7f]{1,255}",
        says="an alarm's name of up to 255 letters",
    )
    period_seconds: Literal[60, 120, 180, 300, 600, 900, 3600] = setting(60, "How long a data point is.")
    evaluations: int = setting(1, "How many data points in a row.", least=1, most=60)

    @property
    def roll_back(self) -> tuple[str, ...]:
        """The keys whose alarms look at a deployment's new fleet alone."""
        return tuple(name for name in ("latency_p99_ms", "errors_5xx_percent") if getattr(self, name) is not None)

    @property
    def tell(self) -> tuple[str, ...]:
        """The keys whose alarms only tell people."""
        known = ("cpu_percent", "gpu_memory_percent", "backlog_seconds")
        return tuple(name for name in known if getattr(self, name) is not None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Capture:
    """Data capture keeps requests and answers in S3."""

    percent: int = setting(100, "How many requests of a hundred.", least=1, most=100)
    parts: Literal["both", "input", "output"] = setting("both", "What of each request.")
    s3: str | None = setting(
        None, "Where to; by default `capture/` in the artifact bucket.", pattern=ADDRESS, says=ADDRESS_SAYS
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Asynchronous:
    """An asynchronous endpoint takes requests from a queue, and puts its answers into S3."""

    s3: str | None = setting(
        None, "Where answers go; by default `async/` in the artifact bucket.", pattern=ADDRESS, says=ADDRESS_SAYS
    )
    concurrency: int | None = setting(
        None, "How many requests an instance works on at once; by default SageMaker decides.", least=1, most=1000
    )
    success_topic: str | None = setting(None, "Is told of each answer.", pattern=_TOPIC, says="an SNS topic's ARN")
    error_topic: str | None = setting(None, "Is told of each failure.", pattern=_TOPIC, says="an SNS topic's ARN")
    include_answer: bool = setting(False, "The topics get the answer as well, where it is small.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """The endpoint reaches what its network lets it reach."""

    vpc: bool = setting(
        True, "Run in the project's private subnets, where it has some; a serverless endpoint never does."
    )
    isolation: bool = setting(False, "Cut the containers off from every network.")


@dataclass(frozen=True, kw_only=True, slots=True)
class MonthlyCost:
    """An endpoint whose month costs more than a cap is refused, all scaled out."""

    cap_usd: float | None = setting(None, "Refuse an endpoint that may cost more in a month.", least=0)
    hourly_usd: dict[str, float] = setting(
        doc="The price of an hour of a type that no price list has.", least=0.01, most=10_000, factory=dict
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Encryption:
    """Keys of your own, in place of the project's."""

    volume_key: str | None = setting(None, "Encrypts the disks of the instances.", pattern=_KEY)
    results_key: str | None = setting(None, "Encrypts captured data and asynchronous answers.", pattern=_KEY)
