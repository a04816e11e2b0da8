"""The project's one dashboard: what all training jobs do, found by search, then a section for each job and endpoint.

One, because each bills 3 USD a month, and because a person looks at one page.
"""

import json
from collections.abc import Sequence
from typing import Any

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from shardyard.core.arns import REGION, arn
from shardyard.core.project import Project
from shardyard.observability import endpoint_dashboard
from shardyard.observability.job_dashboard import HEIGHT, section
from shardyard.spec import names
from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.jobs.launched import LaunchedSpec

Widget = dict[str, Any]

_JOBS = "/aws/sagemaker/TrainingJobs"
_HOST_METRICS = {
    "GPU (100 = one GPU)": "GPUUtilization",
    "GPU memory (100 = one GPU)": "GPUMemoryUtilization",
    "CPU (100 = one core)": "CPUUtilization",
    "Memory (percent)": "MemoryUtilization",
    "Disk (percent)": "DiskUtilization",
}
_ALGORITHM_METRICS = ("loss", "tokens_per_second", "samples_per_second")


class Dashboard(Construct):
    """One page: what each host does, what each job learns, how jobs end."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        project: Project,
        jobs: Sequence[LaunchedSpec],
        endpoints: Sequence[EndpointSpec] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        found = widgets(project, REGION)
        top = max(widget["y"] + widget["height"] for widget in found)
        for number, spec in enumerate(jobs):
            # By its name and not by reference: the stacks of the jobs stand on this one.
            machine = names.state_machine_name(project.name, project.stage, spec.name)
            found += section(spec, arn("states", f"stateMachine:{machine}"), REGION, top=top + number * HEIGHT)
        top += len(jobs) * HEIGHT
        for number, endpoint in enumerate(endpoints):
            name = names.endpoint_name(project.name, project.stage, endpoint.name)
            found += endpoint_dashboard.section(endpoint, name, REGION, top=top + number * endpoint_dashboard.HEIGHT)
        self.resource = cloudwatch.CfnDashboard(
            self,
            "Resource",
            dashboard_name=names.dashboard_name(project.name, project.stage, REGION),
            dashboard_body=json.dumps({"widgets": found}, separators=(",", ":")),
        )

    @property
    def name(self) -> str:
        """The dashboard's name in the console."""
        return self.resource.ref


def widgets(project: Project, region: str) -> list[Widget]:
    """Everything on the page, two widgets a row."""
    hosts = [
        _search(title, f'{{{_JOBS},Host}} MetricName="{metric}"', region) for title, metric in _HOST_METRICS.items()
    ]
    learning = [
        _search(metric.replace("_", " "), f'{{{_JOBS},TrainingJobName}} MetricName="{metric}"', region)
        for metric in _ALGORITHM_METRICS
    ]
    return _in_rows([*learning, *hosts, _outcomes(project, region), _watchdog(project, region)])


def _search(title: str, search: str, region: str) -> Widget:
    expression = f"SEARCH('{search}', 'Average', 60)"
    return _graph(title, [[{"expression": expression, "id": "found"}]], region)


def _outcomes(project: Project, region: str) -> Widget:
    lines = [
        [names.METRICS_NAMESPACE, "Jobs", *_dimensions(project), "Outcome", outcome, {"stat": "Sum", "period": 86400}]
        for outcome in ("Completed", "Failed", "Stopped")
    ]
    return _graph("Jobs a day, by outcome", lines, region)


def _watchdog(project: Project, region: str) -> Widget:
    lines = [
        [names.METRICS_NAMESPACE, metric, *_dimensions(project), {"stat": "Maximum"}]
        for metric in ("LowGpuMinutes", "SilentMinutes")
    ]
    return _graph("Worst running job: minutes of low GPU use, of silence", lines, region)


def _dimensions(project: Project) -> list[str]:
    return ["Project", project.name, "Stage", project.stage]


def _graph(title: str, metrics: Sequence[Any], region: str) -> Widget:
    properties = {"title": title, "view": "timeSeries", "region": region, "metrics": metrics, "period": 60}
    return {"type": "metric", "width": 12, "height": 6, "properties": properties}


def _in_rows(found: Sequence[Widget]) -> list[Widget]:
    return [{**widget, "x": 12 * (number % 2), "y": 6 * (number // 2)} for number, widget in enumerate(found)]
