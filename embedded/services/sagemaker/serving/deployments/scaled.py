"""What Application Auto Scaling has to do with an endpoint: asked through its API."""

from typing import Any

from embedded.clients import client
from embedded.operations import ServiceError
from embedded.services.sagemaker.serving.endpoints.endpoint import Endpoint
from embedded.services.sagemaker.serving.fleets.generation import Generation

_NAMESPACE = "sagemaker"


def targets(endpoint: Endpoint) -> list[dict[str, Any]]:
    """The scalable targets of the endpoint's variants."""
    api = client("application-autoscaling", endpoint.account, endpoint.region)
    found = api.describe_scalable_targets(ServiceNamespace=_NAMESPACE)["ScalableTargets"]
    return [one for one in found if one["ResourceId"].startswith(f"endpoint/{endpoint.name}/variant/")]


def check_update(endpoint: Endpoint, made: Generation) -> None:
    """A scaled variant must stay, on the same instance type."""
    current = endpoint.current
    assert current is not None
    for one in targets(endpoint):
        name = one["ResourceId"].rpartition("/")[2]
        old, new = current.fleets.get(name), made.fleets.get(name)
        if old is None:
            continue
        if new is None:
            why = "the new configuration has no such variant"
        elif new.plan.instance_type != old.plan.instance_type:
            why = f"its instance type would change from {old.plan.instance_type} to {new.plan.instance_type}"
        else:
            continue
        raise ServiceError(
            "ValidationException",
            f"The variant {name} has a scalable target, and {why}. Deregister the target first, or rename the variant.",
        )


def deregister(endpoint: Endpoint) -> None:
    """Nothing scales an endpoint that is gone."""
    api = client("application-autoscaling", endpoint.account, endpoint.region)
    for one in targets(endpoint):
        api.deregister_scalable_target(
            ServiceNamespace=_NAMESPACE, ResourceId=one["ResourceId"], ScalableDimension=one["ScalableDimension"]
        )
