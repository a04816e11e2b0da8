"""A run's registered model once more, with what an evaluation found: a version's metrics are set when it is made."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from shardyard.spec import names
from shardyard.spec.catalogue.service_jobs import PROCESSING
from yard.aws import Aws
from yard.errors import UserError
from yard.runs import artifacts, jobs, runs

FILE = "evaluation.json"
"""What an evaluation writes, in the format of a model package's ModelQuality."""
_MOST_BYTES = 10_000_000
_PROPERTIES = 50
"""The most that CustomerMetadataProperties takes."""
_SAME = ("ModelPackageGroupName", "InferenceSpecification", "MetadataProperties", "Domain", "Task", "SamplePayloadUrl")
"""What the new version has as the old one has it."""


def register(aws: Aws, run: runs.Run, evaluation: runs.Run) -> dict[str, str]:
    """Make the version, pending approval; a second call for the same two runs makes no other."""
    before = runs.receipt(aws, run.run_id).get("model_package_arn")
    if before is None:
        raise UserError(
            f"The run {run.run_id} of {run.job} has registered no model.",
            "[registry] enabled = true in the job's file registers the model of each run.",
        )
    address, found = read(aws, evaluation)
    _refuse_another_model(aws, run, evaluation)
    sagemaker = aws.client("sagemaker")
    package = sagemaker.describe_model_package(ModelPackageName=before)
    answer = sagemaker.create_model_package(**request(package, run, evaluation, address, found))
    return {"model_package_arn": str(answer["ModelPackageArn"]), "registered_before": before, "evaluation": address}


def request(
    package: Mapping[str, Any], run: runs.Run, evaluation: runs.Run, address: str, found: Mapping[str, Any]
) -> dict[str, Any]:
    """CreateModelPackage's, by the version that the run has registered."""
    numbers = {f"evaluation.{name}": f"{value:.8g}" for name, value in sorted(_numbers(found).items())}
    told = {"evaluated_by": evaluation.run_id, **numbers, **package.get("CustomerMetadataProperties", {})}
    statistics = {"ContentType": "application/json", "S3Uri": address}
    return {
        **{key: package[key] for key in _SAME if package.get(key)},
        "ModelPackageDescription": f"{run.job}, run {run.run_id}, evaluated by run {evaluation.run_id}"[:1024],
        "ModelApprovalStatus": "PendingManualApproval",
        "ModelMetrics": {"ModelQuality": {"Statistics": statistics}},
        # the evaluation's own come first: of the training's some may find no place
        "CustomerMetadataProperties": dict(list(told.items())[:_PROPERTIES]),
        # The same token makes a repeated call return the first call's version.
        "ClientToken": hashlib.sha256(f"{run.run_id} {evaluation.run_id}".encode()).hexdigest()[:36],
    }


def read(aws: Aws, evaluation: runs.Run) -> tuple[str, dict[str, Any]]:
    """Where an evaluation's file lies, and what it says."""
    if evaluation.of is not PROCESSING or evaluation.status != "SUCCEEDED":
        raise UserError(
            f"The run {evaluation.run_id} of {evaluation.job} is no processing run that has succeeded.",
            f"An evaluation is one, such as: yard run evaluate --input model={evaluation.run_id}",
        )
    for name in runs.receipt(aws, evaluation.run_id).get("outputs", {}):
        output = artifacts.outputs(aws, evaluation, name)
        for one in output.objects:
            if one["Key"].rpartition("/")[2] == FILE:
                body = aws.client("s3").get_object(Bucket=output.bucket, Key=one["Key"])["Body"].read(_MOST_BYTES)
                return f"s3://{output.bucket}/{one['Key']}", _parsed(body, f"s3://{output.bucket}/{one['Key']}")
    raise UserError(
        f"The run {evaluation.run_id} of {evaluation.job} has written no {FILE}.",
        "The page on processing has what is in it: docs/do/processing.md.",
    )


def _parsed(body: bytes, address: str) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError as error:
        raise UserError(f"{address} is not JSON: {error}.") from None
    if not isinstance(found, dict):
        raise UserError(f"{address} is no JSON object.")
    return found


def _refuse_another_model(aws: Aws, run: runs.Run, evaluation: runs.Run) -> None:
    described = jobs.describe(aws, evaluation, runs.attempts(aws, evaluation)[-1]["TrainingJobName"])
    read_from = [one["S3Input"]["S3Uri"] for one in described.get("ProcessingInputs", []) if "S3Input" in one]
    if not any(names.run_prefix(run.run_id) in address for address in read_from):
        raise UserError(
            f"The run {evaluation.run_id} of {evaluation.job} has not read the model of {run.run_id}.",
            f"It has read {', '.join(read_from)}. Evaluate it: yard run {evaluation.job} --input model={run.run_id}",
        )


def _numbers(found: Mapping[str, Any]) -> dict[str, float]:
    """The single numbers of `metrics`; without it, of the whole file."""
    table = found.get("metrics", found)
    return {
        name: float(value)
        for name, value in (table.items() if isinstance(table, dict) else ())
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
