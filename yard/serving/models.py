"""Where the model of an endpoint lies: found in a run, in the registry, in S3, or uploaded from the project."""

import hashlib
from pathlib import Path

from shardyard.spec import names
from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.endpoints.model import LATEST, ModelSource
from yard.aws import Aws
from yard.errors import UserError
from yard.runs import artifacts, runs

_ARCHIVE = ".tar.gz"


def address_of(aws: Aws, spec: EndpointSpec, source: ModelSource) -> str:
    """The address in S3 of what a definition names."""
    if source.run is not None:
        return of_run(aws, source.run)
    if source.registry is not None:
        return _of_registry(aws, source.registry)
    if source.file is not None:
        return _of_file(aws, spec, aws.project.root / source.file)
    address = str(source.s3)
    return address if address.startswith("s3://") else f"s3://{aws.artifact_bucket()}/{address}"


def of_run(aws: Aws, name: str) -> str:
    """The model of RUN or JOB:RUN; for JOB or JOB:latest, of the newest run that succeeded."""
    job, _, given = name.partition(":")
    is_newest = given in ("", LATEST) and aws.project.has_job(job)
    run = _newest(aws, job) if is_newest else runs.find(aws, given or name)
    address = artifacts.model(aws, run).address
    if not address.endswith(_ARCHIVE):
        raise UserError(
            f"The model of {run.run_id} is no archive: {address}.",
            'An endpoint takes it with [model] s3 = "...", a prefix that ends with a slash.',
        )
    return address


def _newest(aws: Aws, job: str) -> runs.Run:
    for run in runs.executions(aws, job):
        if run.status == "SUCCEEDED":
            return run
    raise UserError(f"No run of {job} has succeeded yet, so there is no model.", f"Launch it: yard train {job}")


def _of_registry(aws: Aws, group: str) -> str:
    client = aws.client("sagemaker")
    found = client.list_model_packages(
        ModelPackageGroupName=group, ModelApprovalStatus="Approved", SortBy="CreationTime", SortOrder="Descending"
    )["ModelPackageSummaryList"]
    if not found:
        raise UserError(f"The group {group} has no approved model.", "Approve one in the registry, then run it again.")
    package = client.describe_model_package(ModelPackageName=found[0]["ModelPackageArn"])
    containers = package.get("InferenceSpecification", {}).get("Containers", [])
    address = containers[0].get("ModelDataUrl") if containers else None
    if address is None:
        raise UserError(
            f"The package {found[0]['ModelPackageArn']} names no archive of a model.", "Approve another one."
        )
    return str(address)


def _of_file(aws: Aws, spec: EndpointSpec, path: Path) -> str:
    if not path.is_file():
        raise UserError(f"There is no file {path}.", "Make it, or correct model.file.")
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    bucket, key = aws.artifact_bucket(), names.model_key(spec.name, digest.hexdigest())
    aws.client("s3").upload_file(str(path), bucket, key)
    return f"s3://{bucket}/{key}"
