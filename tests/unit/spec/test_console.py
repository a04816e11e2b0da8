"""Links into the AWS console, and none to it from the embedded cloud."""

import pytest

from shardyard.spec import console

EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:shardyard-dev-gpt:r1"
JOB = "arn:aws:sagemaker:us-east-1:123456789012:training-job/gpt-r1-1"


def links() -> list[str]:
    return [
        console.execution_url(EXECUTION),
        console.job_url(JOB),
        console.job_url(JOB.replace("training", "processing"), "processing-jobs"),
        console.job_log_url("us-east-1", "aws", "gpt-r1-1"),
        console.dashboard_url("us-east-1", "aws", "board"),
    ]


def test_on_aws_they_are_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert all(link.startswith("https://us-east-1.console.aws.amazon.com/") for link in links())


def test_in_the_embedded_cloud_they_would_lead_into_another_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:4566")
    processing = JOB.replace("training", "processing")
    assert links() == [EXECUTION, JOB, processing, "/aws/sagemaker/TrainingJobs, streams gpt-r1-1/", "board"]
