"""Container definitions that name a version in the model registry instead of an image."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from embedded.clients import client
from embedded.operations import Call, ServiceError


def resolved(call: Call, definition: Mapping[str, Any]) -> dict[str, Any]:
    """The definition with the image and the model of the package that it names; its own variables come on top."""
    name = definition.get("ModelPackageName")
    if name is None:
        return dict(definition)
    try:
        package = client("sagemaker", call.account, call.region).describe_model_package(ModelPackageName=name)
    except ClientError as error:
        said = error.response["Error"].get("Message", str(error))
        raise ServiceError("ValidationException", f"Could not find model package {name}: {said}") from error
    if package.get("ModelPackageStatus") != "Completed":
        status = package.get("ModelPackageStatus")
        raise ServiceError("ValidationException", f"The model package {name} is in status {status}, not Completed.")
    containers = package.get("InferenceSpecification", {}).get("Containers", [])
    if len(containers) != 1:
        count = len(containers)
        raise ServiceError(
            "ValidationException",
            f"The model package {name} has {count} containers; the embedded cloud takes packages with one.",
        )
    if "InferenceSpecificationName" in definition:
        raise ServiceError(
            "ValidationException", "InferenceSpecificationName is not emulated: a package's first specification is used"
        )
    kept = {"Image", "ModelDataUrl", "ModelDataSource", "Environment", "ContainerHostname"}
    whole = {key: value for key, value in containers[0].items() if key in kept}
    own = {key: value for key, value in definition.items() if key not in ("ModelPackageName", "Environment")}
    environment = {**whole.get("Environment", {}), **definition.get("Environment", {})}
    return {**whole, **own, "Environment": environment}
