"""The operations of SageMaker's hyperparameter tuning jobs."""

from collections.abc import Iterator, Mapping
from typing import Any

from embedded import limits
from embedded.operations import Call, Params, ServiceError, operation
from embedded.services.sagemaker.jobs import capacity
from embedded.services.sagemaker.jobs.job import TERMINAL
from embedded.services.sagemaker.tags import Tags, taggable
from embedded.services.sagemaker.training import validation as training_validation
from embedded.services.sagemaker.training.job import TrainingJob
from embedded.services.sagemaker.training.store import store as training_jobs
from embedded.services.sagemaker.tuning import autotune, listing
from embedded.services.sagemaker.tuning.definition import Definition, read_definitions
from embedded.services.sagemaker.tuning.job import TuningJob
from embedded.services.sagemaker.tuning.store import Store
from embedded.services.sagemaker.tuning.tuner import Tuner
from embedded.services.sagemaker.tuning.validation.definitions import check_definitions
from embedded.services.sagemaker.tuning.validation.strategy import check_limits, check_strategy
from embedded.services.sagemaker.tuning.validation.warm_start import check_warm_start
from embedded.status import add_facts

_TUNING_JOB_ARN = ":hyper-parameter-tuning-job/"

store = Store()


@operation("sagemaker", "CreateHyperParameterTuningJob")
def create_tuning_job(call: Call, params: Params) -> Mapping[str, Any]:
    """Check the request as the service would, and start the search."""
    _raise_first(autotune.auto_parameters(params))
    request = autotune.completed(params)
    _raise_first(check_definitions(request))
    _raise_first(check_strategy(request))
    parents = [find_job(call, name) for name in _parent_names(request)]
    if "WarmStartConfig" in request:
        _raise_first(check_warm_start(request, parents))
    at_once = request["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxParallelTrainingJobs"]
    for definition in read_definitions(request):
        _check_training(call, definition, at_once)
    with store.lock:
        name = request["HyperParameterTuningJobName"]
        known = store.find(call.account, call.region, name)
        if known is not None:
            raise ServiceError(
                "ResourceInUse",
                "Hyper parameter tuning job names must be unique within an AWS account and region, and a tuning job "
                f"with this name already exists ({known.arn})",
            )
        running = [job for job in store.jobs(call.account, call.region) if job.status not in TERMINAL]
        check_limits(request, call.account, call.region, len(running))
        job = TuningJob(call.account, call.region, request, parents)
        store.add(job)
    Tuner(job).start()
    return {"HyperParameterTuningJobArn": job.arn}


@operation("sagemaker", "DescribeHyperParameterTuningJob")
def describe_tuning_job(call: Call, params: Params) -> Mapping[str, Any]:
    return find_job(call, params["HyperParameterTuningJobName"]).describe()


@operation("sagemaker", "StopHyperParameterTuningJob")
def stop_tuning_job(call: Call, params: Params) -> Mapping[str, Any]:
    """No more training jobs are launched, and those that run are stopped."""
    job = find_job(call, params["HyperParameterTuningJobName"])
    if not job.stop():
        raise ServiceError(
            "ValidationException",
            f"The request was rejected because the hyperparameter tuning job is in status {job.status}.",
        )
    return {}


@operation("sagemaker", "DeleteHyperParameterTuningJob")
def delete_tuning_job(call: Call, params: Params) -> Mapping[str, Any]:
    """Only the entry of one that has ended; its training jobs stay."""
    job = store.find(call.account, call.region, params["HyperParameterTuningJobName"])
    if job is None:
        # the operation knows no error for one that is not there
        return {}
    if job.status not in TERMINAL:
        raise ServiceError(
            "ValidationException",
            f"The hyperparameter tuning job {job.name} is in status {job.status}: it must have ended to be deleted.",
        )
    store.remove(job)
    return {}


@operation("sagemaker", "ListHyperParameterTuningJobs")
def list_tuning_jobs(call: Call, params: Params) -> Mapping[str, Any]:
    return listing.tuning_jobs(store.jobs(call.account, call.region), params)


@operation("sagemaker", "ListTrainingJobsForHyperParameterTuningJob")
def list_training_jobs(call: Call, params: Params) -> Mapping[str, Any]:
    return listing.training_jobs(find_job(call, params["HyperParameterTuningJobName"]).trials, params)


def _raise_first(problems: Iterator[str]) -> None:
    for message in problems:
        raise ServiceError("ValidationException", message)


def _parent_names(request: Params) -> list[str]:
    parents = request.get("WarmStartConfig", {}).get("ParentHyperParameterTuningJobs", ())
    return [parent.get("HyperParameterTuningJobName", "") for parent in parents]


def _check_training(call: Call, definition: Definition, at_once: int) -> None:
    """Hold a definition's training jobs against the rules for all training jobs, and all at once against the quotas."""
    for config in range(len(definition.resources)):
        sample = definition.training_request("sample", {}, config=config)
        training_validation.check_create(sample, call.account, call.region)
    first = definition.training_request("sample", {})
    count = first["ResourceConfig"].get("InstanceCount", 1)
    first["ResourceConfig"]["InstanceCount"] = count * at_once
    others = training_jobs.jobs(call.account, call.region)
    capacity.check_quotas(TrainingJob(call.account, call.region, first), others, limits.granted)


@taggable
def _tags_of(call: Call, arn: str) -> Tags | None:
    return _JobTags(find_job(call, arn.rpartition("/")[2])) if _TUNING_JOB_ARN in arn else None


class _JobTags(Tags):
    """A tuning job's tags."""

    def __init__(self, job: TuningJob) -> None:
        self._job = job

    def read(self) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self._job.tags}

    def write(self, tags: dict[str, str]) -> None:
        self._job.tags = [{"Key": key, "Value": value} for key, value in tags.items()]


def find_job(call: Call, name: str) -> TuningJob:
    """A tuning job by its name."""
    job = store.find(call.account, call.region, name)
    if job is None:
        raise ServiceError(
            "ResourceNotFound", f"Amazon SageMaker can't find a tuning job called {name}. Type another name."
        )
    return job


@add_facts
def _facts() -> Mapping[str, Any]:
    return {"tuning_jobs_running": store.running()}
