"""The operations of SageMaker's training jobs."""

import atexit
import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from embedded import limits
from embedded.nodes.folders import remove_folder
from embedded.nodes.process_engine import ProcessEngine
from embedded.operations import Call, Params, ServiceError, operation
from embedded.services.sagemaker.jobs import announcements, capacity, warm_pools
from embedded.services.sagemaker.jobs.endings import Order
from embedded.services.sagemaker.jobs.job import TERMINAL
from embedded.services.sagemaker.tags import Tags, taggable
from embedded.services.sagemaker.training import faults, validation, visits
from embedded.services.sagemaker.training.job import TrainingJob
from embedded.services.sagemaker.training.runner import Runner
from embedded.services.sagemaker.training.store import Store
from embedded.settings import current

_TRAINING_JOB_ARN = ":training-job/"

store = Store()
engine = ProcessEngine()
announcements.start()
faults.register(store)
visits.register(store)


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
        capacity.check_quotas(job, store.jobs(call.account, call.region), limits.granted)
        runner = Runner(job, engine)
        store.add(job, runner)
    runner.start()
    return {"TrainingJobArn": job.arn}


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
    job.move("Stopping", "Stopping the training job", status="Stopping")
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
    """The front passes times in UTC, but without a time zone."""
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _page_start(token: str | None) -> int:
    if token is None:
        return 0
    try:
        return int(base64.b64decode(token, validate=True))
    except ValueError:
        raise ServiceError("ValidationException", "The NextToken is invalid.") from None


@taggable
def _tags_of(call: Call, arn: str) -> Tags | None:
    job = _find_arn(call, arn)
    return None if job is None else _JobTags(job)


class _JobTags(Tags):
    """A training job's tags."""

    def __init__(self, job: TrainingJob) -> None:
        self._job = job

    def read(self) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self._job.tags}

    def write(self, tags: dict[str, str]) -> None:
        self._job.tags = [{"Key": key, "Value": value} for key, value in tags.items()]


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
    """Cells end with this process and remove their folders; folders without a cell yet are removed here."""
    for runner in store.runners():
        folder = runner.folder
        if folder is not None and folder.exists():
            remove_folder(folder)
