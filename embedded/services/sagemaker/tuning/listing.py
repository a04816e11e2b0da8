"""The pages of the two lists: which jobs, in which order."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from embedded.operations import Params
from embedded.services.sagemaker.listing import is_descending, page_of, within
from embedded.services.sagemaker.tuning.job import TuningJob
from embedded.services.sagemaker.tuning.trials import Trial


def tuning_jobs(jobs: Sequence[TuningJob], params: Params) -> Mapping[str, Any]:
    """What ListHyperParameterTuningJobs answers: by name unless the request asks for another order."""
    keys: dict[str, Callable[[TuningJob], Any]] = {
        "Name": lambda job: job.name,
        "CreationTime": lambda job: job.created,
        "Status": lambda job: job.status,
    }
    found = [
        job
        for job in jobs
        if within(params, name=job.name, status=job.status, created=job.created, modified=job.modified)
    ]
    found.sort(key=keys[params.get("SortBy", "Name")], reverse=is_descending(params, "Ascending"))
    page, rest = page_of(found, params)
    return {"HyperParameterTuningJobSummaries": [job.summary() for job in page], **rest}


def training_jobs(trials: Sequence[Trial], params: Params) -> Mapping[str, Any]:
    """What ListTrainingJobsForHyperParameterTuningJob answers; sorted by objective, those without one are left out."""
    keys: dict[str, Callable[[Trial], Any]] = {
        "Name": lambda trial: trial.job.name,
        "CreationTime": lambda trial: trial.job.created,
        "Status": lambda trial: trial.job.status,
        "FinalObjectiveMetricValue": lambda trial: trial.objective,
    }
    order, status = params.get("SortBy", "Name"), params.get("StatusEquals")
    found = [trial for trial in trials if status is None or trial.job.status == status]
    if order == "FinalObjectiveMetricValue":
        found = [trial for trial in found if trial.objective_status == "Succeeded"]
    found.sort(key=keys[order], reverse=is_descending(params, "Ascending"))
    page, rest = page_of(found, params)
    return {"TrainingJobSummaries": [trial.summary() for trial in page], **rest}
