"""The operations of SageMaker's AutoML jobs, version 2."""

from collections.abc import Callable, Mapping
from typing import Any

from embedded.kept import parts
from embedded.operations import Call, Params, ServiceError, operation
from embedded.services.sagemaker import execution_role
from embedded.services.sagemaker.automl.job import AutoMLJob
from embedded.services.sagemaker.automl.request import problems
from embedded.services.sagemaker.automl.run import Run
from embedded.services.sagemaker.jobs.job import TERMINAL
from embedded.services.sagemaker.listing import is_descending, page_of, within
from embedded.services.sagemaker.tags import Tags, taggable

_ARN = ":automl-job/"

_jobs: dict[str, AutoMLJob] = {}
parts.keep_contents("sagemaker.automl", _jobs)


@parts.afterwards
def _fail_what_ran() -> None:
    for job in _jobs.values():
        job.finish("Failed", "Failed", "InternalServerError: We encountered an internal error. Please try again.")


@operation("sagemaker", "CreateAutoMLJobV2")
def create_automl_job(call: Call, params: Params) -> Mapping[str, Any]:
    """Check the request, and start the stand-in."""
    for message in problems(params):
        raise ServiceError("ValidationException", message)
    execution_role.check(params["RoleArn"], call.region)
    job = AutoMLJob(call.account, call.region, params)
    if job.arn in _jobs:
        raise ServiceError("ResourceInUse", f"An AutoML job with this name already exists ({job.arn})")
    _jobs[job.arn] = job
    Run(job).start()
    return {"AutoMLJobArn": job.arn}


@operation("sagemaker", "DescribeAutoMLJobV2")
def describe_automl_job(call: Call, params: Params) -> Mapping[str, Any]:
    return _find(call, params["AutoMLJobName"]).describe()


@operation("sagemaker", "ListAutoMLJobs")
def list_automl_jobs(call: Call, params: Params) -> Mapping[str, Any]:
    keys: dict[str, Callable[[AutoMLJob], Any]] = {
        "Name": lambda job: job.name,
        "CreationTime": lambda job: job.created,
        "Status": lambda job: job.status,
    }
    found = [
        job
        for job in _jobs.values()
        if (job.account, job.region) == (call.account, call.region)
        and within(params, name=job.name, status=job.status, created=job.created, modified=job.modified)
    ]
    found.sort(key=keys[params.get("SortBy", "CreationTime")], reverse=is_descending(params, "Descending"))
    page, rest = page_of(found, params)
    return {"AutoMLJobSummaries": [job.summary() for job in page], **rest}


@operation("sagemaker", "ListCandidatesForAutoMLJob")
def list_candidates(call: Call, params: Params) -> Mapping[str, Any]:
    keys: dict[str, Callable[[dict[str, Any]], Any]] = {
        "CreationTime": lambda one: one["CreationTime"],
        "Status": lambda one: one["CandidateStatus"],
        "FinalObjectiveMetricValue": lambda one: one["FinalAutoMLJobObjectiveMetric"]["Value"],
    }
    order = params.get("SortBy", "CreationTime")
    wanted = {"StatusEquals": "CandidateStatus", "CandidateNameEquals": "CandidateName"}
    found = [
        one
        for one in _find(call, params["AutoMLJobName"]).candidates()
        if all(one[field] == params[name] for name, field in wanted.items() if name in params)
        and (order != "FinalObjectiveMetricValue" or "FinalAutoMLJobObjectiveMetric" in one)
    ]
    found.sort(key=keys[order], reverse=is_descending(params, "Ascending"))
    page, rest = page_of(found, params)
    return {"Candidates": page, **rest}


@operation("sagemaker", "StopAutoMLJob")
def stop_automl_job(call: Call, params: Params) -> Mapping[str, Any]:
    """Its tuning job and its training jobs are stopped too."""
    job = _find(call, params["AutoMLJobName"])
    if job.status in TERMINAL or job.status == "Stopping":
        raise ServiceError(
            "ValidationException", f"The request was rejected because the AutoML job is in status {job.status}."
        )
    job.move("Stopping", status="Stopping")
    return {}


@taggable
def _tags_of(call: Call, arn: str) -> Tags | None:
    return _JobTags(_find(call, arn.rpartition("/")[2])) if _ARN in arn else None


class _JobTags(Tags):
    """An AutoML job's tags."""

    def __init__(self, job: AutoMLJob) -> None:
        self._job = job

    def read(self) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self._job.tags}

    def write(self, tags: dict[str, str]) -> None:
        self._job.tags = [{"Key": key, "Value": value} for key, value in tags.items()]


def _find(call: Call, name: str) -> AutoMLJob:
    for job in _jobs.values():
        if (job.account, job.region, job.name) == (call.account, call.region, name):
            return job
    raise ServiceError("ResourceNotFound", f"Could not find an AutoML job with the name {name}.")
