"""The request of any kind of job, with every field that an override may bring in."""

from collections.abc import Mapping
from typing import Any

from shardyard.spec.jobs.automl.automl import AutoMLSpec
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.jobs.processing.processing import ProcessingSpec
from shardyard.spec.jobs.transform.transform import TransformSpec
from shardyard.spec.requests import automl, processing, training, transform
from shardyard.spec.requests.deployment import Deployment

_ALWAYS: Mapping[str, Any] = {"EnableManagedSpotTraining": False, "Environment": {}, "HyperParameters": {}}
"""Fields of a training job's request that an override may bring in, so that every machine names them."""


def request_of(spec: LaunchedSpec, deployment: Deployment, *, job_name: str, run_id: str) -> dict[str, Any]:
    """The request of one attempt: a machine names its fields at synth, and preflight sends the same ones."""
    if isinstance(spec, ProcessingSpec):
        return processing.to_request(spec, deployment, job_name=job_name, run_id=run_id)
    if isinstance(spec, TransformSpec):
        return transform.to_request(spec, deployment, job_name=job_name, run_id=run_id)
    if isinstance(spec, AutoMLSpec):
        return automl.to_request(spec, deployment, job_name=job_name, run_id=run_id)
    assert isinstance(spec, JobSpec), spec.kind
    return {**_ALWAYS, **training.to_request(spec, deployment, job_name=job_name, run_id=run_id)}
