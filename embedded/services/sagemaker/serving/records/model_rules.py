"""The rules of CreateModel that its documentation states and its service model does not."""

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded.nodes import image
from embedded.nodes.image_pull import check_registered
from embedded.nodes.locations import Location
from embedded.operations import Call, Params, ServiceError
from embedded.services.sagemaker import checks, execution_role
from embedded.services.sagemaker.serving.records.packages import resolved
from embedded.services.sagemaker.serving.records.refused import not_emulated, refuse
from embedded.settings import current

MULTI_MODEL_LABEL = "com.amazonaws.sagemaker.capabilities.multi-models"
_NOT_HONOURED = {
    "ImageConfig": "images come from Amazon ECR alone; leave it out",
    "ContainerMetricsConfig": "containers' own metrics are not read",
}
_NOT_HONOURED_OF_SOURCES = {
    "HubAccessConfig": "there is no hub here; name the files in your own bucket",
    "ManifestS3Uri": "name a prefix instead",
    "ETag": "objects are read as they are now",
    "ManifestEtag": "objects are read as they are now",
}


def check_create(call: Call, params: Params) -> None:
    """Raise the service's error for a request that it would refuse."""
    definitions = containers_of(params)
    refuse([*_shape(params), *(message for one in definitions for message in _container(one))])
    if "ExecutionRoleArn" not in params:
        refuse(["ExecutionRoleArn is required: the containers get their model and write their logs in its name."])
    execution_role.check(params["ExecutionRoleArn"], call.region)
    network = params.get("VpcConfig", {})
    checks.check_network(call, network.get("Subnets", []), network.get("SecurityGroupIds", []))
    for one in definitions:
        whole = resolved(call, one)
        _check_image(call, whole)
        _check_data(call, params["ExecutionRoleArn"], whole)


def containers_of(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The model's container definitions, in order."""
    one = request.get("PrimaryContainer")
    return [dict(one)] if one is not None else [dict(each) for each in request.get("Containers", ())]


def _shape(params: Params) -> Iterator[str]:
    if ("PrimaryContainer" in params) == bool(params.get("Containers")):
        yield "Exactly one of PrimaryContainer and Containers must be given."
    several = params.get("Containers", [])
    mode = params.get("InferenceExecutionConfig", {}).get("Mode", "Serial")
    if mode == "Direct" and len(several) < 2:
        yield "InferenceExecutionConfig.Mode Direct needs at least 2 Containers."
    names = [one.get("ContainerHostname") for one in several]
    if mode == "Direct" and None in names:
        yield "With InferenceExecutionConfig.Mode Direct every container needs a ContainerHostname."
    given = [name for name in names if name is not None]
    if len(set(given)) != len(given):
        yield f"ContainerHostname must be unique within a model, but they are {', '.join(given)}."
    if len(several) > 1 and mode == "Serial" and any(one.get("Mode") == "MultiModel" for one in several):
        yield "A container of Mode MultiModel cannot be part of a serial inference pipeline."


def _container(one: Mapping[str, Any]) -> Iterator[str]:
    if ("Image" in one) == ("ModelPackageName" in one):
        yield "A container must have exactly one of Image and ModelPackageName."
    if "InferenceSpecificationName" in one and "ModelPackageName" not in one:
        yield "InferenceSpecificationName needs a ModelPackageName."
    if "ModelDataUrl" in one and "ModelDataSource" in one:
        yield "Only one of ModelDataUrl and ModelDataSource can be given."
    if "Image" in one and ".dkr.ecr." not in one["Image"]:
        yield f'Using non-ECR image "{one["Image"]}" without Vpc repository access mode is not supported.'
    many = one.get("Mode") == "MultiModel"
    if many and "ModelDataUrl" not in one:
        yield "A container of Mode MultiModel needs a ModelDataUrl, the prefix of its models."
    if "MultiModelConfig" in one and not many:
        yield "MultiModelConfig can only be given with Mode MultiModel."
    yield from not_emulated(one, _NOT_HONOURED, "")
    sources = [one["ModelDataSource"]] if "ModelDataSource" in one else []
    for source in [*sources, *one.get("AdditionalModelDataSources", ())]:
        s3 = source.get("S3DataSource")
        if s3 is None:
            yield "ModelDataSource must have an S3DataSource."
            continue
        if s3["CompressionType"] == "Gzip" and s3["S3DataType"] == "S3Prefix":
            yield "CompressionType Gzip needs S3DataType S3Object."
        yield from not_emulated(s3, _NOT_HONOURED_OF_SOURCES, "S3DataSource.")


def _check_image(call: Call, one: Mapping[str, Any]) -> None:
    uri = one["Image"]
    try:
        check_registered(uri, call.account)
    except image.ImageError as error:
        said = str(error).removeprefix("ClientError: ")
        raise ServiceError("ValidationException", f"Requested image {uri} not found. {said}") from error
    if one.get("Mode") != "MultiModel":
        return
    try:
        labels = image.load(uri, current.project_root).labels
    except image.ImageError as error:
        raise ServiceError("ValidationException", str(error).removeprefix("ClientError: ")) from error
    if labels.get(MULTI_MODEL_LABEL) != "true":
        raise ServiceError(
            "ValidationException",
            f"Your Ecr Image {uri} does not contain required {MULTI_MODEL_LABEL}=true Docker label(s).",
        )


def _check_data(call: Call, role_arn: str, one: Mapping[str, Any]) -> None:
    """The model's files must be there, and the role must be able to find them."""
    source = one.get("ModelDataSource", {}).get("S3DataSource", {})
    uri = one.get("ModelDataUrl", source.get("S3Uri"))
    if uri is None:
        return
    location = Location.parse(uri)
    s3 = execution_role.client(role_arn, "s3", call.region)
    is_prefix = one.get("Mode") == "MultiModel" or source.get("S3DataType") == "S3Prefix"
    try:
        if is_prefix:
            # a multi-model prefix may be empty: models are added while the endpoint runs
            found = s3.list_objects_v2(Bucket=location.bucket, Prefix=location.key, MaxKeys=1)["KeyCount"]
            if found or one.get("Mode") == "MultiModel":
                return
        else:
            s3.head_object(Bucket=location.bucket, Key=location.key)
            return
        said = ""
    except (ClientError, BotoCoreError) as error:
        said = f" Error message from S3: {error}"
    raise ServiceError("ValidationException", f"Could not find model data at {uri}.{said}")
