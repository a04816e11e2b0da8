"""The operations of SageMaker's training jobs."""

import atexit
import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from moto.sagemaker.models import sagemaker_backends

from yard.cloud import quotas
from yard.cloud.registry import Call, Params, ServiceError, operation
from yard.cloud.training import announcements, capacity, faults, model_check, validation, warm_pools
from yard.cloud.training.endings import Order
from yard.cloud.training.folders import remove_folder
from yard.cloud.training.job import TERMINAL, TrainingJob
from yard.cloud.training.process_engine import ProcessEngine
from yard.cloud.training.runner import Runner
from yard.cloud.training.settings import current
from yard.cloud.training.store import Store

_PAGE_MOST = 100
_TRAINING_JOB_ARN = ":training-job/"

store = Store()
engine = ProcessEngine()
announcements.start()
faults.register(store)


@operation("sagemaker", "CreateTrainingJob")
def create_training_job(call: Call, params: Params) -> Mapping[str, Any]:
    """Check the request as the service would, and start the job."""
    validation.check_create(params, call.account, call.region)
    job = TrainingJob(call.account, call.region, params)
    with store.lock:
        known = store.find(call.account, call.region, job.name)
        if known is not None:
            raise ServiceError(
                "ResourceInUse",
                "Training job names must be unique within an AWS account and region, and a training job with this "
                f"name already exists ({known.arn})",
            )
        capacity.check_quotas(job, store.jobs(call.account, call.region), quotas.granted)
        runner = Runner(job, engine)
        store.add(job, runner)
    runner.start()
    return {"TrainingJobArn": job.arn}


@operation("sagemaker", "DescribeTrainingJob")
def describe_training_job(call: Call, params: Params) -> Mapping[str, Any]:
    """Say all about a job."""
    model_check.check("DescribeTrainingJob", params)
    return _find(call, params).describe(current.spot_billable_ratio)


@operation("sagemaker", "StopTrainingJob")
def stop_training_job(call: Call, params: Params) -> Mapping[str, Any]:
    """Send SIGTERM, and SIGKILL after the grace."""
    model_check.check("StopTrainingJob", params)
    job = _find(call, params)
    if job.status in TERMINAL or job.status == "Stopping":
        raise ServiceError(
            "ValidationException", f"The request was rejected because the training job is in status {job.status}."
        )
    job.move("Stopping", "Stopping the training job", status="Stopping")
    store.runner(job).order(Order(reason="stopped"))
    return {}


@operation("sagemaker", "DeleteTrainingJob")
def delete_training_job(call: Call, params: Params) -> Mapping[str, Any]:
    """Forget a job that has ended."""
    model_check.check("DeleteTrainingJob", params)
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
    """Change what may be changed of a job: its profiler, its remote debugging, how long its instances stay warm."""
    model_check.check("UpdateTrainingJob", params)
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
    """List jobs, newest first unless asked otherwise."""
    model_check.check("ListTrainingJobs", params)
    keys: dict[str, Callable[[TrainingJob], Any]] = {
        "Name": lambda job: job.name,
        "CreationTime": lambda job: job.created,
        "Status": lambda job: job.status,
    }
    found = [job for job in store.jobs(call.account, call.region) if _matches(job, params)]
    found.sort(
        key=keys[params.get("SortBy", "CreationTime")], reverse=params.get("SortOrder", "Descending") == "Descending"
    )
    start = _page_start(params.get("NextToken"))
    end = start + params.get("MaxResults", 10)
    answer: dict[str, Any] = {"TrainingJobSummaries": [job.summary() for job in found[start:end]]}
    if end < len(found):
        answer["NextToken"] = base64.b64encode(str(end).encode()).decode()
    return answer


def _matches(job: TrainingJob, params: Params) -> bool:
    tests: dict[str, Callable[[Any], bool]] = {
        "NameContains": lambda text: text.lower() in job.name.lower(),
        "StatusEquals": lambda status: job.status == status,
        "CreationTimeAfter": lambda moment: job.created > _aware(moment),
        "CreationTimeBefore": lambda moment: job.created < _aware(moment),
        "LastModifiedTimeAfter": lambda moment: job.modified > _aware(moment),
        "LastModifiedTimeBefore": lambda moment: job.modified < _aware(moment),
        "WarmPoolStatusEquals": lambda status: (job.warm_pool or {}).get("Status") == status,
        "TrainingPlanArnEquals": lambda arn: job.resources.get("TrainingPlanArn") == arn,
    }
    return all(test(params[name]) for name, test in tests.items() if name in params)


def _aware(moment: datetime) -> datetime:
    """The front hands times over in UTC and without saying so."""
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _page_start(token: str | None) -> int:
    if token is None:
        return 0
    try:
        return int(base64.b64decode(token, validate=True))
    except ValueError:
        raise ServiceError("ValidationException", "The NextToken is invalid.") from None


@operation("sagemaker", "AddTags")
def add_tags(call: Call, params: Params) -> Mapping[str, Any]:
    """Tag a training job; everything else has its tags at moto."""
    model_check.check("AddTags", params)
    job = _find_arn(call, params["ResourceArn"])
    if job is None:
        return {"Tags": sagemaker_backends[call.account][call.region].add_tags(params["ResourceArn"], params["Tags"])}
    tags = {tag["Key"]: tag for tag in (*job.tags, *params["Tags"])}
    job.tags = list(tags.values())
    return {"Tags": job.tags}


@operation("sagemaker", "ListTags")
def list_tags(call: Call, params: Params) -> Mapping[str, Any]:
    """List a training job's tags; everything else has its tags at moto."""
    model_check.check("ListTags", params)
    job = _find_arn(call, params["ResourceArn"])
    if job is None:
        backend = sagemaker_backends[call.account][call.region]
        return {"Tags": backend.list_tags(params["ResourceArn"])[0]}
    return {"Tags": job.tags}


@operation("sagemaker", "DeleteTags")
def delete_tags(call: Call, params: Params) -> Mapping[str, Any]:
    """Remove tags of a training job; everything else has its tags at moto."""
    model_check.check("DeleteTags", params)
    job = _find_arn(call, params["ResourceArn"])
    if job is None:
        sagemaker_backends[call.account][call.region].delete_tags(params["ResourceArn"], params["TagKeys"])
        return {}
    job.tags = [tag for tag in job.tags if tag["Key"] not in params["TagKeys"]]
    return {}


def _find(call: Call, params: Params) -> TrainingJob:
    job = store.find(call.account, call.region, params["TrainingJobName"])
    if job is None:
        raise ServiceError("ValidationException", "Requested resource not found.")
    return job


def _find_arn(call: Call, arn: str) -> TrainingJob | None:
    if _TRAINING_JOB_ARN not in arn:
        return None
    name = arn.rpartition("/")[2]
    return _find(call, {"TrainingJobName": name})


@atexit.register
def _remove_folders() -> None:
    """The cells end by themselves when this process does; what they had not begun to use is removed here."""
    for runner in store.runners():
        folder = runner.folder
        if folder is not None and folder.exists():
            remove_folder(folder)
