"""The Register step: a model package with its metrics and its origin, pending approval.

The group is created here and not by the stack: CloudFormation lacks it in China, two jobs may share one, and a stack
cannot be deleted while its group contains models.
"""

import json
import unicodedata
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from shardyard.handlers import aws
from shardyard.spec import names


def handler(event: Mapping[str, Any], context: object) -> dict[str, str]:
    """Lambda's entry: `launch` in, and of a search the `training_job` it has found; the model package's ARN out."""
    return register(event["launch"], aws.clients, event.get("training_job"))


def register(launch: Mapping[str, Any], clients: aws.Clients, training_job: str | None = None) -> dict[str, str]:
    """Create the package; a second call for the same run creates no other."""
    run, plan = launch["run"], launch["plan"]
    sagemaker = clients("sagemaker")
    name = launch["request"]["TrainingJobName"] if training_job is None else training_job
    job = sagemaker.describe_training_job(TrainingJobName=name)
    metrics = {one["MetricName"]: one["Value"] for one in job.get("FinalMetricDataList", [])}
    metrics_key = f"{names.run_prefix(run['id'])}model-metrics.json"
    body = json.dumps({"metrics": {name: {"value": value} for name, value in metrics.items()}}, indent=2).encode()
    clients("s3").put_object(Bucket=run["artifact_bucket"], Key=metrics_key, Body=body, ContentType="application/json")
    statistics = {"ContentType": "application/json", "S3Uri": f"s3://{run['artifact_bucket']}/{metrics_key}"}
    _make_group(sagemaker, plan["register"]["group"], run)
    answer = sagemaker.create_model_package(
        ModelPackageGroupName=plan["register"]["group"],
        ModelPackageDescription=f"{run['job']}, run {run['id']}"[:1024],
        ModelApprovalStatus="PendingManualApproval",
        InferenceSpecification={
            "Containers": [_container(job, plan)],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
        ModelMetrics={"ModelQuality": {"Statistics": statistics}},
        MetadataProperties=_origin(run, job),
        CustomerMetadataProperties=_lineage(run, plan, metrics),
        # The same token makes a repeated call return the first call's package.
        ClientToken=f"shardyard-{run['id']}",
    )
    return {"model_package_arn": str(answer["ModelPackageArn"])}


def _make_group(sagemaker: Any, name: str, run: Mapping[str, Any]) -> None:
    """Create the model group unless it exists."""
    tags = [{"Key": key, "Value": run[key]} for key in ("project", "stage")]
    try:
        sagemaker.create_model_package_group(
            ModelPackageGroupName=name, ModelPackageGroupDescription=f"Models of {run['project']}", Tags=tags
        )
    except ClientError as error:
        # SageMaker has no error code for this: ValidationException, `Model Package Group already exists`.
        if "already exist" not in str(error):
            raise


def _container(job: Mapping[str, Any], plan: Mapping[str, Any]) -> dict[str, Any]:
    image = plan["image"]
    container = {"Image": str(image["uri"]), **_model_data(job)}
    if image["digest"] is not None:
        container["ImageDigest"] = image["digest"]
    return container


def _model_data(job: Mapping[str, Any]) -> dict[str, Any]:
    """Where the model lies: an archive, or for a job that does not compress it all objects under a prefix."""
    address = job["ModelArtifacts"]["S3ModelArtifacts"]
    if job.get("OutputDataConfig", {}).get("CompressionType") != "NONE":
        return {"ModelDataUrl": address}
    source = {"S3Uri": f"{address.rstrip('/')}/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    return {"ModelDataSource": {"S3DataSource": source}}


def _origin(run: Mapping[str, Any], job: Mapping[str, Any]) -> dict[str, str]:
    origin = {"GeneratedBy": job["TrainingJobArn"], "ProjectId": run["project"]}
    if run["git_commit"] is not None:
        origin["CommitId"] = run["git_commit"]
    return origin


def _lineage(run: Mapping[str, Any], plan: Mapping[str, Any], metrics: Mapping[str, float]) -> dict[str, str]:
    """Up to 50 properties: the run, the code, the data, then the metrics."""
    properties = {
        "run_id": run["id"],
        "job": run["job"],
        "source_sha256": run["source_sha256"],
        "git_commit": run["git_commit"],
        "image_digest": plan["image"]["digest"],
        **{f"data.{one['channel']}": _data(one["uri"], one["fingerprint"]) for one in plan["data"]},
        **{f"metric.{name}": f"{value:.8g}" for name, value in sorted(metrics.items())},
    }
    allowed = {_allowed(key)[:_KEY]: _allowed(value)[:_VALUE] for key, value in properties.items() if value}
    return dict(list(allowed.items())[:_PROPERTIES])


_PROPERTIES, _KEY, _VALUE = 50, 128, 256
"""The most that CustomerMetadataProperties takes: entries, letters of a name, letters of a value."""


def _data(uri: str, fingerprint: str) -> str:
    """Where the data lay and its fingerprint, which a long address does not push out."""
    return f"{uri[: _VALUE - 1 - len(fingerprint)]}@{fingerprint}"


def _allowed(text: str) -> str:
    """The text with `_` for each letter that SageMaker refuses here, and S3 takes in a key."""
    return "".join(
        letter if unicodedata.category(letter)[0] in "LNZ" or letter in "_.:/=+-@" else "_" for letter in text
    )
