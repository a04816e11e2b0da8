"""The candidates of an AutoML job, and the jobs that SageMaker has started for them, as it lists them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shardyard.spec.catalogue.service_jobs import PROCESSING, TRAINING, TRANSFORM, ServiceJob

_STEPS: Mapping[str, ServiceJob] = {f"AWS::SageMaker::{of.resource}": of for of in (PROCESSING, TRAINING, TRANSFORM)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Behind:
    """One job behind a candidate; several candidates may have it in common."""

    of: ServiceJob
    """What it is."""
    name: str
    """Its name."""


def candidates(sagemaker: Any, automl_job: str) -> Iterator[Mapping[str, Any]]:
    """Every candidate that the job has so far."""
    token: dict[str, str] = {}
    while True:
        page = sagemaker.list_candidates_for_auto_ml_job(AutoMLJobName=automl_job, MaxResults=100, **token)
        yield from page["Candidates"]
        if "NextToken" not in page:
            return
        token = {"NextToken": page["NextToken"]}


def behind(candidate: Mapping[str, Any]) -> Iterator[Behind]:
    """The jobs of a candidate, in their order."""
    for step in candidate["CandidateSteps"]:
        of = _STEPS.get(step["CandidateStepType"])
        if of is not None:
            yield Behind(of=of, name=step["CandidateStepArn"].rpartition("/")[2])
