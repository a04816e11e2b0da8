"""The dashboard's section for one endpoint: its requests, its errors, its latency, what its instances do."""

from typing import Any

from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.requests.endpoint_scaling import INSTANCES, NAMESPACE

Widget = dict[str, Any]

HEIGHT = 6
"""How high a section is, in the dashboard's units."""


def section(spec: EndpointSpec, endpoint_name: str, region: str, *, top: int) -> list[Widget]:
    """The widgets of one endpoint, side by side, with a line for each variant."""
    text = f"## {spec.name}\n{spec.description}\n\n`yard endpoint status {spec.name}`"
    return [
        _place(0, top, {"type": "text", "properties": {"markdown": text}}),
        _place(1, top, _graph(*_traffic(spec, endpoint_name), region)),
        _place(2, top, _graph("Latency p50 and p99 (microseconds)", _latency(spec, endpoint_name), region)),
        _place(3, top, _graph(*_use(spec, endpoint_name), region)),
    ]


def _traffic(spec: EndpointSpec, name: str) -> tuple[str, list[Any]]:
    if spec.kind == "asynchronous":
        waiting = [NAMESPACE, "ApproximateBacklogSize", "EndpointName", name, {"stat": "Average"}]
        return "Requests that wait", [waiting]
    metrics = ("Invocations", "Invocation4XXErrors", "Invocation5XXErrors")
    lines = [_line(NAMESPACE, metric, name, variant, "Sum") for variant in spec.variants for metric in metrics]
    return "Requests and errors a minute", lines


def _latency(spec: EndpointSpec, name: str) -> list[Any]:
    stats = ("p50", "p99")
    return [_line(NAMESPACE, "ModelLatency", name, variant, stat) for variant in spec.variants for stat in stats]


def _use(spec: EndpointSpec, name: str) -> tuple[str, list[Any]]:
    if spec.kind == "serverless":
        setups = [_line(NAMESPACE, "ModelSetupTime", name, variant, "Maximum") for variant in spec.variants]
        return "Cold starts (microseconds)", setups
    metrics = ("CPUUtilization", "MemoryUtilization", "GPUUtilization")
    lines = [_line(INSTANCES, metric, name, variant, "Average") for variant in spec.variants for metric in metrics]
    return "CPU, memory and GPU", lines


def _line(namespace: str, metric: str, endpoint: str, variant: str, stat: str) -> list[Any]:
    return [namespace, metric, "EndpointName", endpoint, "VariantName", variant, {"stat": stat}]


def _graph(title: str, metrics: list[Any], region: str) -> Widget:
    return {"type": "metric", "properties": {"title": title, "region": region, "metrics": metrics, "period": 60}}


def _place(column: int, top: int, widget: Widget) -> Widget:
    return {**widget, "x": 6 * column, "y": top, "width": 6, "height": HEIGHT}
