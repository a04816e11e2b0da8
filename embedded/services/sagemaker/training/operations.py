"""The operations of SageMaker's training jobs."""

from collections.abc import Callable, Mapping
from typing import Any

from embedded import limits
from embedded.nodes.docker.choice import chosen
from embedded.operations import Call, Params, ServiceError, operation
from embedded.services.sagemaker.jobs import announcements, capacity, warm_pools
from embedded.services.sagemaker.jobs.endings import Order
from embedded.services.sagemaker.jobs.job import TERMINAL
from embedded.services.sagemaker.jobs.records.listing import matches, page
from embedded.services.sagemaker.training import validation
from embedded.services.sagemaker.training.job import TrainingJob, TunedBy
from embedded.services.sagemaker.training.runner import Runner
from embedded.services.sagemaker.training.store import store
from embedded.settings import current

engine = chosen()
announcements.start()


@operation("sagemaker", "CreateTrainingJob")
def create_training_job(call: Call, params: Params) -> Mapping[str, Any]:
    """Check the request as the service would, and start the job."""
    return {"TrainingJobArn": launch(call, params).arn}


def launch(call: Call, params: Params, *, tuned_by: TunedBy | None = None) -> TrainingJob:
    """Start a job, of a tuning job or of its own; raises ServiceError where the service would refuse it."""
    validation.check_create(params, call.account, call.region)
    job = TrainingJob(call.account, call.region, params, tuned_by=tuned_by)
    with store.lock:
        known = store.find(call.account, call.region, job.name)
        if known is not None:
            raise ServiceError(
                "ResourceInUse",
                "Training job names must be unique within an AWS account and region, and a training job with this "
                f"name already exists ({known.arn})",
            )
        others = store.jobs(call.account, call.region)
        capacity.check_quotas(job, others, limits.granted)
        warm_pools.check_quotas(job, others, limits.granted)
        runner = Runner(job, engine)
        store.add(job, runner)
    runner.start()
    return job


@operation("sagemaker", "DescribeTrainingJob")
def describe_training_job(call: Call, params: Params) -> Mapping[str, Any]:
    return _find(call, params).describe(current.spot_billable_ratio)


@operation("sagemaker", "StopTrainingJob")
def stop_training_job(call: Call, params: Params) -> Mapping[str, Any]:
    """The containers get SIGTERM, and SIGKILL after the grace period."""
    job = _find(call, params)
    if job.status in TERMINAL or job.status == "Stopping":
        raise ServiceError(
            "ValidationException", f"The request was rejected because the training job is in status {job.status}."
        )
    job.note_stopping("Stopping the training job")
    store.runner(job).order(Order(reason="stopped"))
    return {}


@operation("sagemaker", "DeleteTrainingJob")
def delete_training_job(call: Call, params: Params) -> Mapping[str, Any]:
    """Only a job that has ended, and whose warm pool is gone, can be deleted."""
    job = _find(call, params)
    if job.status not in TERMINAL:
        raise ServiceError(
            "ResourceInUse", f"The training job {job.name} is in status {job.status}: it must have ended to be deleted."
        )
    if job.warm_pool is not None and job.warm_pool["Status"] == "Available":
        raise ServiceError("ResourceInUse", f"The training job {job.name} still holds its warm pool.")
    store.remove(job)
    return {}


@operation("sagemaker", "UpdateTrainingJob")
def update_training_job(call: Call, params: Params) -> Mapping[str, Any]:
    """What can be changed: the profiler, remote debugging, and how long the instances stay warm."""
    job = _find(call, params)
    keep = params.get("ResourceConfig", {}).get("KeepAlivePeriodInSeconds")
    if keep is None and job.status != "InProgress":
        raise ServiceError(
            "ValidationException", f"The request was rejected because the training job is in status {job.status}."
        )
    if keep is not None and not warm_pools.keep(job, keep):
        raise ServiceError("ValidationException", f"The training job {job.name} has no warm pool to update.")
    for field in ("ProfilerConfig", "RemoteDebugConfig"):
        if field in params:
            job.request[field] = {**job.request.get(field, {}), **params[field]}
    if "ProfilerRuleConfigurations" in params:
        job.request["ProfilerRuleConfigurations"] = params["ProfilerRuleConfigurations"]
    return {"TrainingJobArn": job.arn}


@operation("sagemaker", "ListTrainingJobs")
def list_training_jobs(call: Call, params: Params) -> Mapping[str, Any]:
    """Newest first, unless the request asks for another order."""
    found = [job for job in store.jobs(call.account, call.region) if matches(job, params) and _fits(job, params)]
    jobs, more = page(found, params)
    return {"TrainingJobSummaries": [job.summary() for job in jobs], **more}


def _fits(job: TrainingJob, params: Params) -> bool:
    """The filters that only training jobs have."""
    tests: dict[str, Callable[[str], bool]] = {
        "WarmPoolStatusEquals": lambda status: (job.warm_pool or {}).get("Status") == status,
        "TrainingPlanArnEquals": lambda arn: job.resources.get("TrainingPlanArn") == arn,
    }
    return all(test(params[name]) for name, test in tests.items() if name in params)


def _find(call: Call, params: Params) -> TrainingJob:
    job = store.find(call.account, call.region, params["TrainingJobName"])
    if job is None:
        raise ServiceError("ValidationException", "Requested resource not found.")
    return job
