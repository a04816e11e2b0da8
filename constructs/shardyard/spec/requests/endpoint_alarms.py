"""The alarms of an endpoint: those that roll a deployment back, and those that only tell people."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.requests.endpoint_scaling import INSTANCES, NAMESPACE


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointAlarm:
    """One alarm of an endpoint."""

    construct_id: str
    name: str
    properties: dict[str, Any]
    """As CloudFormation takes them, but for name and actions."""
    rolls_back: bool
    """Whether a deployment goes back when it goes off."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Watched:
    word: str
    metric: str
    namespace: str
    statistic: str
    factor: float
    says: str


_WATCHED = {
    "latency_p99_ms": _Watched(
        word="latency",
        metric="ModelLatency",
        namespace=NAMESPACE,
        statistic="p99",
        factor=1000,  # the metric counts microseconds
        says="The slowest request of a hundred took {value:g} ms or longer",
    ),
    "errors_5xx_percent": _Watched(
        word="errors",
        metric="Invocation5XXErrors",
        namespace=NAMESPACE,
        statistic="Average",
        factor=0.01,  # one for a request that failed, else nothing: the average is the share
        says="The model answered {value:g} percent of the requests or more with an error",
    ),
    "cpu_percent": _Watched(
        word="cpu",
        metric="CPUUtilization",
        namespace=INSTANCES,
        statistic="Average",
        factor=1,
        says="The instances used {value:g} percent of a processor or more",
    ),
    "gpu_memory_percent": _Watched(
        word="gpu-memory",
        metric="GPUMemoryUtilization",
        namespace=INSTANCES,
        statistic="Average",
        factor=1,
        says="The instances used {value:g} percent of a GPU's memory or more",
    ),
    "backlog_seconds": _Watched(
        word="backlog",
        # TimeInBacklog is of requests that have left the queue, by variant: a queue that stands still sends none
        metric="ApproximateAgeOfOldestRequest",
        namespace=NAMESPACE,
        statistic="Maximum",
        factor=1,
        says="A request has waited {value:g} seconds or longer",
    ),
}


def alarms_of(spec: EndpointSpec, endpoint_name: str, config_name: str) -> Iterator[EndpointAlarm]:
    """Every alarm of an endpoint.

    During a deployment the metrics of the new fleet carry the name of its configuration as a third dimension. An alarm
    without it looks at both fleets together, and reacts late; one with it may see nothing once the deployment is over.
    So whatever rolls back has a twin that goes on looking.
    """
    for variant in spec.production:
        for key in spec.alarms.roll_back:
            yield _alarm(spec, key, endpoint_name, variant, config_name)
            yield _alarm(spec, key, endpoint_name, variant, None)
        for key in spec.alarms.tell:
            if key != "backlog_seconds":
                yield _alarm(spec, key, endpoint_name, variant, None)
    if spec.alarms.backlog_seconds is not None:
        yield _alarm(spec, "backlog_seconds", endpoint_name, None, None)


def rollback_names(spec: EndpointSpec, endpoint_name: str) -> list[str]:
    """The names of the alarms that roll a deployment back, a team's own among them."""
    own = [
        _name(endpoint_name, variant, f"new-{_WATCHED[key].word}")
        for variant in spec.production
        for key in spec.alarms.roll_back
    ]
    return [*own, *spec.alarms.names]


def _alarm(
    spec: EndpointSpec, key: str, endpoint_name: str, variant: str | None, config_name: str | None
) -> EndpointAlarm:
    watched, value = _WATCHED[key], float(getattr(spec.alarms, key))
    new = config_name is not None
    dimensions = {"EndpointName": endpoint_name}
    dimensions |= {} if variant is None else {"VariantName": variant}
    dimensions |= {} if config_name is None else {"EndpointConfigName": config_name}
    statistic = {"ExtendedStatistic" if watched.statistic.startswith("p") else "Statistic": watched.statistic}
    word = f"new-{watched.word}" if new else watched.word
    of = "of a deployment's new fleet" if new else "of the endpoint"
    return EndpointAlarm(
        construct_id=f"Alarm-{'' if variant is None else variant}-{word}",
        name=_name(endpoint_name, variant, word),
        rolls_back=new,
        properties={
            "AlarmDescription": f"{watched.says.format(value=value)}; {of} {endpoint_name}",
            "Namespace": watched.namespace,
            "MetricName": watched.metric,
            "Dimensions": [{"Name": name, "Value": text} for name, text in dimensions.items()],
            **statistic,
            "Period": spec.alarms.period_seconds,
            "EvaluationPeriods": spec.alarms.evaluations,
            "Threshold": round(value * watched.factor, 6),
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching",
        },
    )


def _name(endpoint_name: str, variant: str | None, word: str) -> str:
    return "-".join(part for part in (endpoint_name, variant, word) if part is not None)
