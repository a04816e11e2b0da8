"""The operations of SageMaker's processing jobs."""

from collections.abc import Mapping
from typing import Any

from embedded import limits
from embedded.nodes.docker.choice import chosen
from embedded.operations import Call, Params, ServiceError, operation
from embedded.services.sagemaker.jobs import capacity
from embedded.services.sagemaker.jobs.job import TERMINAL
from embedded.services.sagemaker.jobs.records.listing import matches, page
from embedded.services.sagemaker.processing import validation
from embedded.services.sagemaker.processing.job import ProcessingJob
from embedded.services.sagemaker.processing.runner import Runner
from embedded.services.sagemaker.processing.store import store

engine = chosen()


@operation("sagemaker", "CreateProcessingJob")
def create_processing_job(call: Call, params: Params) -> Mapping[str, Any]:
    """Check the request as the service would, and start the job."""
    validation.check_create(params, call.account, call.region)
    with store.lock:
        known = store.find(call.account, call.region, params["ProcessingJobName"])
        if known is not None:
            raise ServiceError(
                "ResourceInUse",
                "Job name must be unique within an AWS account and region, and a job with this name already exists "
                f"({known.arn})",
            )
        job = ProcessingJob(call.account, call.region, params)
        _check_quotas(job, call)
        runner = Runner(job, engine)
        store.add(job, runner)
    job.announce()
    runner.start()
    return {"ProcessingJobArn": job.arn}


def _check_quotas(job: ProcessingJob, call: Call) -> None:
    capacity.check_quotas(job, store.jobs(call.account, call.region), limits.granted)
    capacity.check_quota("Number of instances for a processing job", 0, len(job.instances()), job, limits.granted)
    longest = "Longest run time for a processing job"
    capacity.check_quota(longest, 0, job.runtime_seconds, job, limits.granted, unit="Seconds")


@operation("sagemaker", "DescribeProcessingJob")
def describe_processing_job(call: Call, params: Params) -> Mapping[str, Any]:
    return _find(call, params).describe()


@operation("sagemaker", "StopProcessingJob")
def stop_processing_job(call: Call, params: Params) -> Mapping[str, Any]:
    """The containers get SIGINT, and SIGKILL after the grace period."""
    job = _find(call, params)
    if job.status in TERMINAL or job.status == "Stopping":
        raise ServiceError(
            "ValidationException", f"The request was rejected because the processing job is in status {job.status}."
        )
    job.note_stopping("Stopping the processing job")
    runner = store.runner(job)
    assert isinstance(runner, Runner)
    runner.stop()
    return {}


@operation("sagemaker", "DeleteProcessingJob")
def delete_processing_job(call: Call, params: Params) -> Mapping[str, Any]:
    """Only a job that has ended can be deleted; its name is free then."""
    job = _find(call, params)
    if job.status not in TERMINAL:
        raise ServiceError(
            "ResourceInUse",
            f"The processing job {job.name} is in status {job.status}: only a job that is Completed, Failed or Stopped "
            "can be deleted.",
        )
    store.remove(job)
    return {}


@operation("sagemaker", "ListProcessingJobs")
def list_processing_jobs(call: Call, params: Params) -> Mapping[str, Any]:
    """Newest first, unless the request asks for another order."""
    found = [job for job in store.jobs(call.account, call.region) if matches(job, params)]
    jobs, more = page(found, params)
    return {"ProcessingJobSummaries": [job.summary() for job in jobs], **more}


def _find(call: Call, params: Params) -> ProcessingJob:
    name = params["ProcessingJobName"]
    job = store.find(call.account, call.region, name)
    if job is None:
        raise ServiceError("ValidationException", f"Could not find requested job with name: {name}")
    return job
