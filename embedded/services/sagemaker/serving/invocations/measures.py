"""The metrics of invocations, published a few times a second: counts in one datum, latencies one by one."""

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from embedded.bus import metrics
from embedded.services.sagemaker.serving.endpoints.endpoint import Endpoint
from embedded.services.sagemaker.serving.fleets.plan import FleetPlan

NAMESPACE = "AWS/SageMaker"
_FLUSH_SECONDS = 0.25
_Key = tuple[str, str, tuple[tuple[str, str], ...], str]
"""Account, region, dimensions, the metric's name."""
_COUNTS = frozenset({"Invocations", "Invocation4XXErrors", "Invocation5XXErrors", "InvocationsPerInstance"})
_MICROSECONDS = ("Latency", "WaitTime", "LoadingTime", "UnloadingTime", "DownloadingTime", "SetupTime")
_MILLISECONDS = ("TimeInBacklog", "TotalProcessingTime")


@dataclass(kw_only=True, slots=True)
class _Waiting:
    """What has been measured since the last flush."""

    values: list[float] = field(default_factory=list)


_waiting: dict[_Key, _Waiting] = defaultdict(_Waiting)
_lock = threading.Lock()


def measure(endpoint: Endpoint, plan: FleetPlan, values: dict[str, float]) -> None:
    """Note values of one request to a variant. During a deployment the new fleet's carry its configuration as well."""
    dimensions: tuple[tuple[str, str], ...] = (("EndpointName", endpoint.name), ("VariantName", plan.name))
    pending = endpoint.pending
    keys = [dimensions]
    if pending is not None and pending.generation.config == plan.config:
        keys.append((*dimensions, ("EndpointConfigName", plan.config)))
    with _lock:
        for one in keys:
            for name, value in values.items():
                _waiting[endpoint.account, endpoint.region, one, name].values.append(value)


def measure_endpoint(endpoint: Endpoint, values: dict[str, float]) -> None:
    """Note values of an endpoint as a whole."""
    with _lock:
        for name, value in values.items():
            key = endpoint.account, endpoint.region, (("EndpointName", endpoint.name),), name
            _waiting[key].values.append(value)


def of_answer(status: int, seconds_in_all: float, seconds_of_model: float, instances: int) -> dict[str, float]:
    """The metrics of one request: latencies in microseconds, errors by what the model answered."""
    return {
        "Invocations": 1.0,
        "Invocation4XXErrors": float(400 <= status < 500),
        "Invocation5XXErrors": float(status >= 500 or status == 0),
        "InvocationsPerInstance": 1.0 / max(1, instances),
        "ModelLatency": seconds_of_model * 1e6,
        "OverheadLatency": max(0.0, seconds_in_all - seconds_of_model) * 1e6,
    }


def flush() -> None:
    """Publish what waits."""
    with _lock:
        found = dict(_waiting)
        _waiting.clear()
    data: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    # moto compares its times without a zone
    stamp = datetime.now(UTC).replace(tzinfo=None)
    for (account, region, dimensions, name), waiting in found.items():
        shown = [{"Name": key, "Value": value} for key, value in dimensions]
        datum: dict[str, Any] = {"MetricName": name, "Dimensions": shown, "Timestamp": stamp}
        if name in _COUNTS:
            values = waiting.values
            statistics = {
                "SampleCount": float(len(values)),
                "Sum": sum(values),
                "Minimum": min(values),
                "Maximum": max(values),
            }
            data[account, region].append({**datum, "StatisticValues": statistics, "Unit": "None"})
        else:
            unit = "Milliseconds" if name in _MILLISECONDS else "None"
            unit = "Microseconds" if name.endswith(_MICROSECONDS) else unit
            data[account, region] += [{**datum, "Value": value, "Unit": unit} for value in waiting.values]
    for (account, region), one in data.items():
        metrics.publish(account, region, NAMESPACE, one)


def _flush_now_and_then() -> None:
    while True:
        time.sleep(_FLUSH_SECONDS)
        if _waiting:
            flush()


threading.Thread(target=_flush_now_and_then, name="endpoints' metrics", daemon=True).start()
