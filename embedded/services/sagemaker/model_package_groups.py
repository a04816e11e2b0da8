"""SageMaker's model package groups: the deletion, which moto 5.2.5 lacks."""

from typing import Any

from moto.sagemaker.models import sagemaker_backends

from embedded.operations import Call, Params, ServiceError, operation


@operation("sagemaker", "DeleteModelPackageGroup")
def delete_model_package_group(call: Call, params: Params) -> dict[str, Any]:
    """Delete an empty group; one with versions in it is refused, as by the service."""
    backend = sagemaker_backends[call.account][call.region]
    group = backend.describe_model_package_group(params["ModelPackageGroupName"])
    name = group.model_package_group_name
    if any(package.model_package_group_name == name for package in backend.model_packages.values()):
        message = f"Cannot delete Model Package Group ({group.arn}) because it contains Model Packages"
        raise ServiceError("ConflictException", message)
    del backend.model_package_groups[name]
    return {}
