"""Links into the AWS console. The embedded cloud has no such pages: a thing's own name stands in a link's place."""

import os
from urllib.parse import quote

_DOMAINS = {"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}
JOBS_LOG_GROUP = "/aws/sagemaker/TrainingJobs"


def job_log_url(region: str, partition: str, training_job: str) -> str:
    """The log streams of one training job's nodes."""
    if not _has_pages():
        return f"{JOBS_LOG_GROUP}, streams {training_job}/"
    # The console encodes the fragment twice, and writes '$' for the outer '%'.
    group = quote(quote(JOBS_LOG_GROUP, safe=""), safe="").replace("%", "$")
    return (
        f"{_home('cloudwatch', region, partition)}#logsV2:log-groups/log-group/{group}"
        f"$3FlogStreamNameFilter$3D{training_job}/"
    )


def job_url(training_job_arn: str) -> str:
    """A SageMaker training job."""
    if not _has_pages():
        return training_job_arn
    _, partition, _, region, _, job = training_job_arn.split(":")
    return f"{_home('sagemaker', region, partition)}#/jobs/{job.removeprefix('training-job/')}"


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
