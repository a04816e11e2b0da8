"""CreateProcessingJob and its like for the fakes of services: jobs that end at once, in the way that is said next."""

from datetime import timedelta
from typing import Any

from tests.support.fakes.fake_aws import OPERATIONS, STARTED, FakeAws, failure, fits_the_model

CODES = {
    "ml.m5.large for processing job usage": "L-M5",
    "ml.m5.xlarge for processing job usage": "L-M5-X",
    "Number of instances across all processing jobs": "L-P-ALL",
    "Number of instances for a processing job": "L-P-ONE",
    "Longest run time for a processing job": "L-P-SECONDS",
}
"""The codes that a deploy would have resolved."""


def create(aws: FakeAws, **request: Any) -> Any:
    fits_the_model("CreateProcessingJob", request)
    name = request["ProcessingJobName"]
    assert name not in aws.processing, "a processing job's name is used twice"
    outcome = dict(aws.outcomes.pop(0)) if aws.outcomes else {"ProcessingJobStatus": "Completed"}
    if "error" in outcome:
        raise failure(outcome["error"], outcome["message"])
    aws.processing[name] = {
        **request,
        "ProcessingJobArn": f"arn:aws:sagemaker:us-east-1:123456789012:processing-job/{name}",
        "CreationTime": aws.now,
        "ProcessingStartTime": STARTED,
        "ProcessingEndTime": STARTED + timedelta(seconds=600),
        **outcome,
    }
    return {"ProcessingJobArn": aws.processing[name]["ProcessingJobArn"]}


def describe(aws: FakeAws, *, ProcessingJobName: str) -> Any:
    if ProcessingJobName not in aws.processing:
        raise failure("ValidationException", "Could not find requested job: not found")
    return aws.processing[ProcessingJobName]


def stop(aws: FakeAws, *, ProcessingJobName: str) -> Any:
    aws.processing[ProcessingJobName]["ProcessingJobStatus"] = "Stopping"
    return {}


def list_jobs(aws: FakeAws, *, MaxResults: int, **query: Any) -> Any:
    found = [
        job
        for name, job in aws.processing.items()
        if query.get("NameContains", "") in name
        and query.get("StatusEquals", job["ProcessingJobStatus"]) == job["ProcessingJobStatus"]
    ]
    return {"ProcessingJobSummaries": found[:MaxResults]}


OPERATIONS |= {
    "create_processing_job": create,
    "describe_processing_job": describe,
    "list_processing_jobs": list_jobs,
    "stop_processing_job": stop,
}
