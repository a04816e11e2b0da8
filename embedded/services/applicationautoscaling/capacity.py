"""How many instances a variant has, and is to have: asked and said through SageMaker's API, as on AWS."""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from embedded.clients import client
from embedded.operations import ServiceError
from embedded.services.applicationautoscaling.records import CONCURRENCY, Target

_NOUNS = {CONCURRENCY: "desired provisioned concurrency"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Capacity:
    """A variant's capacity."""

    desired: int
    is_settled: bool
    """Whether the endpoint is in service: it takes no change while another one goes on."""


def noun(target: Target) -> str:
    """What is set, as activities say it."""
    return _NOUNS.get(target.dimension, "desired instance count")


def read(target: Target) -> Capacity | None:
    """The capacity now; None where there is no such variant."""
    try:
        found = _api(target).describe_endpoint(EndpointName=target.endpoint)
    except ClientError:
        return None
    for variant in found.get("ProductionVariants", ()):
        if variant["VariantName"] == target.variant:
            settled = found["EndpointStatus"] == "InService"
            if target.dimension == CONCURRENCY:
                config = variant.get("DesiredServerlessConfig", variant.get("CurrentServerlessConfig", {}))
                return Capacity(desired=int(config.get("ProvisionedConcurrency", 0)), is_settled=settled)
            return Capacity(desired=int(variant.get("DesiredInstanceCount", 0)), is_settled=settled)
    return None


def check_exists(target: Target) -> None:
    """Raise the service's error for a variant that is not there."""
    if read(target) is None:
        raise ServiceError(
            "ValidationException", f"The resource {target.resource} does not exist: no such variant is in service."
        )


def write(target: Target, wanted: int) -> None:
    """Ask for another capacity; ClientError where SageMaker refuses."""
    change: dict[str, Any] = {"VariantName": target.variant}
    if target.dimension == CONCURRENCY:
        change["ServerlessUpdateConfig"] = {"ProvisionedConcurrency": wanted}
    else:
        change["DesiredInstanceCount"] = wanted
    _api(target).update_endpoint_weights_and_capacities(
        EndpointName=target.endpoint, DesiredWeightsAndCapacities=[change]
    )


def _api(target: Target) -> Any:
    return client("sagemaker", target.account, target.region)
