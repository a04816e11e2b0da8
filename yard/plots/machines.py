"""What the nodes of runs did, minute by minute, from CloudWatch: processors, memory, GPUs, disks."""

from collections.abc import Iterator, Sequence
from typing import Any

from yard.aws import Aws
from yard.plots.series import Chart, Series
from yard.runs import jobs, runs
from yard.runs.view import instances

NAMES = {
    "CPUUtilization": "Processors, 100 each",
    "MemoryUtilization": "Memory",
    "GPUUtilization": "GPUs, 100 each",
    "GPUMemoryUtilization": "Memory of GPUs, 100 each",
    "DiskUtilization": "Disk",
}
MOST_NODES = 16
"""More lines than this nobody can tell apart."""
_PERIOD_SECONDS = 60


def charts(aws: Aws, wanted: Sequence[runs.Run]) -> Iterator[Chart]:
    """One chart per kind of figure, with a line per node; kinds that no node reported are left out."""
    found: dict[str, dict[str, Series]] = {name: {} for name in NAMES}
    for run in wanted:
        for name, lines in _of(aws, run).items():
            for node, line in lines.items():
                found[name][node if len(wanted) == 1 else f"{run.run_id} {node}"] = line
    for name, lines in found.items():
        if lines:
            yield Chart(
                title=NAMES[name],
                across="seconds since its start",
                up="percent",
                lines=list(lines.values()),
                names=list(lines),
            )


def _of(aws: Aws, run: runs.Run) -> dict[str, dict[str, Series]]:
    """By metric and node: the nodes of all attempts of a run, after one another on one clock."""
    names = [attempt["TrainingJobName"] for attempt in runs.attempts(aws, run)]
    described = [jobs.describe(aws, run, name) for name in names]
    begun = [job for job in described if job.get("TrainingStartTime") is not None]
    found: dict[str, dict[str, Series]] = {name: {} for name in NAMES}
    for job in begun:
        start = begun[0]["TrainingStartTime"].timestamp()
        for (metric, node), line in _read(aws, job, run.of.log_group).items():
            shifted = [(at - start, value) for at, value in line]
            found[metric][node] = [*found[metric].get(node, ()), *shifted]
    return found


def _read(aws: Aws, job: dict[str, Any], namespace: str) -> dict[tuple[str, str], Series]:
    nodes = [f"algo-{number + 1}" for number in range(min(instances(job), MOST_NODES))]
    wanted = [(metric, node) for metric in NAMES for node in nodes]
    queries = [
        {
            "Id": f"m{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": namespace,
                    "MetricName": metric,
                    "Dimensions": [{"Name": "Host", "Value": f"{job['TrainingJobName']}/{node}"}],
                },
                "Period": _PERIOD_SECONDS,
                "Stat": "Average",
            },
        }
        for number, (metric, node) in enumerate(wanted)
    ]
    start = job["TrainingStartTime"].timestamp() - _PERIOD_SECONDS
    end = (job.get("TrainingEndTime") or job["LastModifiedTime"]).timestamp() + 2 * _PERIOD_SECONDS
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    pages = aws.client("cloudwatch").get_paginator("get_metric_data")
    for answer in pages.paginate(MetricDataQueries=queries, StartTime=start, EndTime=end, ScanBy="TimestampAscending"):
        for result in answer["MetricDataResults"]:
            line = [(at.timestamp(), value) for at, value in zip(result["Timestamps"], result["Values"], strict=True)]
            if line:
                found.setdefault(wanted[int(result["Id"][1:])], []).extend(line)
    return dict(found)
