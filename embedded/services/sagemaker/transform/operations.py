"""The operations of SageMaker's batch transform jobs."""

from collections.abc import Mapping
from typing import Any

from embedded import limits
from embedded.nodes.process_engine import ProcessEngine
from embedded.operations import Call, Params, ServiceError, operation
from embedded.services.sagemaker.jobs import capacity
from embedded.services.sagemaker.jobs.job import TERMINAL
from embedded.services.sagemaker.jobs.records.listing import matches, page
from embedded.services.sagemaker.serving.records.store import models
from embedded.services.sagemaker.transform import validation
from embedded.services.sagemaker.transform.job import TransformJob
from embedded.services.sagemaker.transform.runner import Runner
from embedded.services.sagemaker.transform.store import store

engine = ProcessEngine()


@operation("sagemaker", "CreateTransformJob")
def create_transform_job(call: Call, params: Params) -> Mapping[str, Any]:
    """Check the request as the service would, and start the job."""
    model = models.get(call, params["ModelName"]).request
    validation.check_create(params, model)
    with store.lock:
        known = store.find(call.account, call.region, params["TransformJobName"])
        if known is not None:
            raise ServiceError(
                "ResourceInUse",
                "Job name must be unique within an AWS account and region, and a job with this name already exists "
                f"({known.arn})",
            )
        job = TransformJob(call.account, call.region, params, model)
        _check_quotas(job, call)
        runner = Runner(job, engine)
        store.add(job, runner)
    job.announce()
    runner.start()
    return {"TransformJobArn": job.arn}


def _check_quotas(job: TransformJob, call: Call) -> None:
    capacity.check_quotas(job, store.jobs(call.account, call.region), limits.granted)
    capacity.check_quota("Number of instances for a transform job", 0, len(job.instances()), job, limits.granted)


@operation("sagemaker", "DescribeTransformJob")
def describe_transform_job(call: Call, params: Params) -> Mapping[str, Any]:
    return _find(call, params).describe()


@operation("sagemaker", "StopTransformJob")
def stop_transform_job(call: Call, params: Params) -> Mapping[str, Any]:
    """A job that is stopped before its end leaves nothing in S3."""
    job = _find(call, params)
    if job.status in TERMINAL or job.status == "Stopping":
        raise ServiceError(
            "ValidationException", f"The request was rejected because the transform job is in status {job.status}."
        )
    job.note_stopping("Stopping the transform job")
    runner = store.runner(job)
    assert isinstance(runner, Runner)
    runner.stop()
    return {}


@operation("sagemaker", "ListTransformJobs")
def list_transform_jobs(call: Call, params: Params) -> Mapping[str, Any]:
    """Newest first, unless the request asks for another order."""
    found = [job for job in store.jobs(call.account, call.region) if matches(job, params)]
    jobs, more = page(found, params)
    return {"TransformJobSummaries": [job.summary() for job in jobs], **more}


def _find(call: Call, params: Params) -> TransformJob:
    name = params["TransformJobName"]
    job = store.find(call.account, call.region, name)
    if job is None:
        raise ServiceError("ValidationException", f"Could not find requested job with name: {name}")
    return job
