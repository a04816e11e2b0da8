"""Links into the AWS console. The embedded cloud has no such pages: a thing's own name stands in a link's place."""

import os
from urllib.parse import quote

from shardyard.spec.catalogue.service_jobs import TRAINING

_DOMAINS = {"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}
JOBS_LOG_GROUP = "/aws/sagemaker/TrainingJobs"


def job_log_url(region: str, partition: str, job: str, log_group: str = JOBS_LOG_GROUP) -> str:
    """The log streams of one job's nodes."""
    if not _has_pages():
        return f"{log_group}, streams {job}/"
    # The console encodes the fragment twice, and writes '$' for the outer '%'.
    group = quote(quote(log_group, safe=""), safe="").replace("%", "$")
    return (
        f"{_home('cloudwatch', region, partition)}#logsV2:log-groups/log-group/{group}$3FlogStreamNameFilter$3D{job}/"
    )


def job_url(arn: str, page: str = TRAINING.console) -> str:
    """A job of SageMaker, by its ARN and the console's word for its kind."""
    if not _has_pages():
        return arn
    _, partition, _, region, _, job = arn.split(":")
    return f"{_home('sagemaker', region, partition)}#/{page}/{job.partition('/')[2]}"


def dashboard_url(region: str, partition: str, dashboard: str) -> str:
    """A CloudWatch dashboard."""
    if not _has_pages():
        return dashboard
    return f"{_home('cloudwatch', region, partition)}#dashboards/dashboard/{dashboard}"


def execution_url(execution_arn: str) -> str:
    """An execution of a state machine, with its graph."""
    if not _has_pages():
        return execution_arn
    _, partition, _, region, *_ = execution_arn.split(":")
    return f"{_home('states', region, partition)}#/v2/executions/details/{execution_arn}"


def _has_pages() -> bool:
    """Functions of the embedded cloud are told its endpoint; a link into AWS would show somebody else's account."""
    return "AWS_ENDPOINT_URL" not in os.environ


def _home(service: str, region: str, partition: str) -> str:
    return f"https://{region}.{_DOMAINS.get(partition, 'console.aws.amazon.com')}/{service}/home?region={region}"
