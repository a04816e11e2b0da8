"""The dashboard's section for one job: how it is launched, how its launches end, what it learns, what its hosts do."""

from typing import Any

from shardyard.spec.jobs.job import JobSpec

Widget = dict[str, Any]

_JOBS = "/aws/sagemaker/TrainingJobs"
HEIGHT = 6
"""How high a section is, in the dashboard's units."""


def section(spec: JobSpec, machine_arn: str, region: str, *, top: int) -> list[Widget]:
    """The widgets of one job, side by side."""
    text = f"## {spec.name}\n{spec.description}\n\n`yard train {spec.name}`"
    # A run's training jobs are named after the job, so a search finds them without their names. The job's name stands
    # without quotes: in quotes it would have to be the whole of a training job's name, which goes on with the run.
    learned = f"SEARCH('{{{_JOBS},TrainingJobName}} MetricName=\"loss\" TrainingJobName={spec.name}', 'Average', 60)"
    uses = 'MetricName="GPUUtilization" OR MetricName="CPUUtilization"'
    busy = f"SEARCH('{{{_JOBS},Host}} ({uses}) Host={spec.name}', 'Average', 60)"
    launches = [
        ["AWS/States", metric, "StateMachineArn", machine_arn, {"stat": "Sum", "period": 86400}]
        for metric in ("ExecutionsSucceeded", "ExecutionsFailed")
    ]
    return [
        _place(0, top, {"type": "text", "properties": {"markdown": text}}),
        _place(1, top, _graph("Launches a day", launches, region)),
        _place(2, top, _graph("Loss", [[{"expression": learned}]], region)),
        _place(3, top, _graph("GPU and CPU by host", [[{"expression": busy}]], region)),
    ]


def _graph(title: str, metrics: list[Any], region: str) -> Widget:
    return {"type": "metric", "properties": {"title": title, "region": region, "metrics": metrics}}


def _place(column: int, top: int, widget: Widget) -> Widget:
    return {**widget, "x": 6 * column, "y": top, "width": 6, "height": HEIGHT}
