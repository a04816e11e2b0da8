"""Which archive a transform job's model is: the one that its file names, or what a run has trained."""

import re
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from shardyard.handlers import aws
from shardyard.handlers.launch.preflight.launch import Launch
from shardyard.spec.catalogue.service_jobs import TRAINING
from shardyard.spec.errors import Problem
from shardyard.spec.jobs.transform.transform import LATEST, TransformSpec
from shardyard.spec.requests.transform import model_address
from shardyard.spec.run_ids import RUN_ID


@dataclass(frozen=True, kw_only=True, slots=True)
class Archive:
    """The model of a launch; both are None for a job that needs none."""

    address: str | None = None
    problem: Problem | None = None


def find_archive(launch: Launch, clients: aws.Clients) -> Archive:
    """Look for the archive, and whether it is one."""
    spec = launch.spec
    if not isinstance(spec, TransformSpec):
        return Archive()
    named = model_address(spec, launch.deployment)
    if named is not None:
        return _there(named, clients("s3"))
    job, _, run = str(spec.model.run).partition(":")
    return _trained(job, run, clients("sagemaker"))


def _there(address: str, s3: Any) -> Archive:
    bucket, _, key = address.removeprefix("s3://").partition("/")
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if aws.error_code(error) not in ("404", "NoSuchKey", "NoSuchBucket", "NotFound", "403"):
            raise
        problem = Problem("model.s3", f"there is no {address}, or it may not be read; put the archive there")
        return Archive(problem=problem)
    return Archive(address=address)


def _trained(job: str, run: str, sagemaker: Any) -> Archive:
    """What the newest training job that completed has left: of any run of the job, or of this one."""
    attempt = re.compile(rf"{re.escape(job)}-{RUN_ID if run == LATEST else re.escape(run)}-[0-9]+")
    contained = f"{job}-" if run == LATEST else run
    token: dict[str, str] = {}
    while True:
        jobs, following = TRAINING.page(
            sagemaker,
            NameContains=contained,
            StatusEquals="Completed",
            SortBy="CreationTime",
            SortOrder="Descending",
            MaxResults=100,
            **token,
        )
        for one in jobs:
            if attempt.fullmatch(one["TrainingJobName"]):
                return _archive_of(one["TrainingJobName"], sagemaker)
        if following is None:
            which = "no run of it" if run == LATEST else f"no attempt of its run {run}"
            return Archive(problem=Problem("model.run", f"{which} has completed ({job}); train it: yard train {job}"))
        token = {"NextToken": following}


def _archive_of(name: str, sagemaker: Any) -> Archive:
    address = str(TRAINING.describe(sagemaker, name).get("ModelArtifacts", {}).get("S3ModelArtifacts", ""))
    if address.endswith(".tar.gz"):
        return Archive(address=address)
    said = f"{name} left its model uncompressed, and transform jobs take archives alone (train it with compression)"
    return Archive(problem=Problem("model.run", said))
