"""A page with a section for each job: how it is launched, how its launches end, what it learns, what its hosts do."""

import json
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from shardyard.spec.job import JobSpec

Widget = dict[str, Any]

_JOBS = "/aws/sagemaker/TrainingJobs"
_HEIGHT = 6


class JobDashboard(Construct):
    """One CloudWatch dashboard for all jobs of a stack."""

    def __init__(self, scope: Construct, construct_id: str, *, name: str) -> None:
        super().__init__(scope, construct_id)
        self._widgets: list[Widget] = []
        self._sections = 0
        self.resource = cloudwatch.CfnDashboard(self, "Resource", dashboard_name=name, dashboard_body="{}")

    def add_sections(self, jobs: list[tuple[JobSpec, str]]) -> None:
        """Add a section for each job, given with the ARN of its state machine."""
        for spec, machine_arn in jobs:
            self._widgets += section(spec, machine_arn, cdk.Aws.REGION, row=self._sections)
            self._sections += 1
        self.resource.dashboard_body = json.dumps({"widgets": self._widgets}, separators=(",", ":"))


def section(spec: JobSpec, machine_arn: str, region: str, *, row: int) -> list[Widget]:
    """The widgets of one job, one row high."""
    text = f"## {spec.name}\n{spec.description}\n\n`yard train {spec.name}`"
    # A run's training jobs are named after the job, so a search finds them without their names.
    learned = f"SEARCH('{{{_JOBS},TrainingJobName}} MetricName=\"loss\" \"{spec.name}\"', 'Average', 60)"
    busy = (
        f'SEARCH(\'{{{_JOBS},Host}} MetricName=("GPUUtilization" OR "CPUUtilization") "{spec.name}"\', \'Average\', 60)'
    )
    launches = [
        ["AWS/States", metric, "StateMachineArn", machine_arn, {"stat": "Sum", "period": 86400}]
        for metric in ("ExecutionsSucceeded", "ExecutionsFailed")
    ]
    return [
        _place(0, row, {"type": "text", "properties": {"markdown": text}}),
        _place(1, row, _graph("Launches a day", launches, region)),
        _place(2, row, _graph("Loss", [[{"expression": learned}]], region)),
        _place(3, row, _graph("GPU and CPU by host", [[{"expression": busy}]], region)),
    ]


def _graph(title: str, metrics: list[Any], region: str) -> Widget:
    return {"type": "metric", "properties": {"title": title, "region": region, "metrics": metrics}}


def _place(column: int, row: int, widget: Widget) -> Widget:
    return {**widget, "x": 6 * column, "y": _HEIGHT * row, "width": 6, "height": _HEIGHT}
