"""The dashboard's section for one job: how it is launched, how its launches end, what it learns, what its hosts do."""

from typing import Any

from shardyard.spec.catalogue.service_jobs import SERVICE_JOBS
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.launched import LaunchedSpec

Widget = dict[str, Any]

HEIGHT = 6
"""How high a section is, in the dashboard's units."""


def section(spec: LaunchedSpec, machine_arn: str, region: str, *, top: int) -> list[Widget]:
    """The widgets of one job, side by side."""
    of = SERVICE_JOBS[spec.kind]
    text = f"## {spec.name}\n{spec.description}\n\n`yard {of.command} {spec.name}`"
    # A run's training jobs are named after the job, so a search finds them without their names. The job's name stands
    # without quotes: in quotes it would have to be the whole of a training job's name, which goes on with the run.
    uses = 'MetricName="GPUUtilization" OR MetricName="CPUUtilization"'
    busy = f"SEARCH('{{{of.log_group},Host}} ({uses}) Host={spec.name}', 'Average', 60)"
    launches = [
        ["AWS/States", metric, "StateMachineArn", machine_arn, {"stat": "Sum", "period": 86400}]
        for metric in ("ExecutionsSucceeded", "ExecutionsFailed")
    ]
    return [
        _place(0, top, {"type": "text", "properties": {"markdown": text}}),
        _place(1, top, _graph("Launches a day", launches, region)),
        _place(2, top, _learned(spec, region) if isinstance(spec, JobSpec) else _memory(spec, of.log_group, region)),
        _place(3, top, _graph("GPU and CPU by host", [[{"expression": busy}]], region)),
    ]


def _learned(spec: LaunchedSpec, region: str) -> Widget:
    jobs = SERVICE_JOBS[spec.kind].log_group
    learned = f"SEARCH('{{{jobs},TrainingJobName}} MetricName=\"loss\" TrainingJobName={spec.name}', 'Average', 60)"
    return _graph("Loss", [[{"expression": learned}]], region)


def _memory(spec: LaunchedSpec, jobs: str, region: str) -> Widget:
    uses = 'MetricName="MemoryUtilization" OR MetricName="DiskUtilization"'
    full = f"SEARCH('{{{jobs},Host}} ({uses}) Host={spec.name}', 'Average', 60)"
    return _graph("Memory and disk by host", [[{"expression": full}]], region)


def _graph(title: str, metrics: list[Any], region: str) -> Widget:
    return {"type": "metric", "properties": {"title": title, "region": region, "metrics": metrics}}


def _place(column: int, top: int, widget: Widget) -> Widget:
    return {**widget, "x": 6 * column, "y": top, "width": 6, "height": HEIGHT}
