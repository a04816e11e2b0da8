"""Weights and instance counts of a live endpoint: UpdateEndpointWeightsAndCapacities, which scaling uses too."""

from collections.abc import Mapping, Sequence
from typing import Any

from embedded.operations import ServiceError
from embedded.services.sagemaker.serving.containers.container import NotWell
from embedded.services.sagemaker.serving.deployments.running import enter, in_background
from embedded.services.sagemaker.serving.endpoints.endpoint import Endpoint
from embedded.services.sagemaker.serving.fleets.generation import Generation
from embedded.services.sagemaker.serving.fleets.serverless import ServerlessFleet


def change(endpoint: Endpoint, wanted: Sequence[Mapping[str, Any]]) -> None:
    """Change weights at once and counts in the background; the endpoint is Updating until all instances are well."""
    with endpoint.lock:
        check_idle(endpoint)
        current = endpoint.current
        assert current is not None, "an endpoint in service has a fleet"
        _check(endpoint, current, wanted)
        before = dict(current.weights), dict(current.desired)
        for one in wanted:
            name = one["VariantName"]
            if "DesiredWeight" in one:
                current.weights[name] = float(one["DesiredWeight"])
            if "DesiredInstanceCount" in one:
                current.desired[name] = one["DesiredInstanceCount"]
            fleet = current.fleets[name]
            if isinstance(fleet, ServerlessFleet):
                fleet.config = {**fleet.config, **one.get("ServerlessUpdateConfig", {})}
        enter(endpoint, "Updating")
    in_background(endpoint, lambda: _reach(endpoint, current, before))


def check_idle(endpoint: Endpoint) -> None:
    """Only an endpoint in service can be changed."""
    if endpoint.status != "InService":
        raise ServiceError(
            "ValidationException",
            f'Cannot update in-progress endpoint "{endpoint.arn}".'
            if endpoint.status not in ("Failed", "UpdateRollbackFailed")
            else f'Cannot update endpoint "{endpoint.arn}": it is in status {endpoint.status}. Delete it.',
        )


def _check(endpoint: Endpoint, current: Generation, wanted: Sequence[Mapping[str, Any]]) -> None:
    weights = dict(current.weights)
    for one in wanted:
        name = one["VariantName"]
        fleet = current.fleets.get(name)
        if fleet is None:
            known = ", ".join(current.fleets)
            raise ServiceError(
                "ValidationException", f'The variant "{name}" does not exist in endpoint "{endpoint.arn}": {known}.'
            )
        if isinstance(fleet, ServerlessFleet) != ("ServerlessUpdateConfig" in one) and (
            "ServerlessUpdateConfig" in one or "DesiredInstanceCount" in one
        ):
            kind = "serverless" if isinstance(fleet, ServerlessFleet) else "not serverless"
            raise ServiceError("ValidationException", f'The variant "{name}" is {kind}.')
        if isinstance(fleet, ServerlessFleet):
            _check_concurrency(name, {**fleet.config, **one.get("ServerlessUpdateConfig", {})})
        if one.get("DesiredInstanceCount") == 0 and current.asynchronous is None:
            raise ServiceError(
                "ValidationException",
                f"DesiredInstanceCount 0 of the variant {name}: only an asynchronous endpoint can have no instances.",
            )
        weights[name] = float(one.get("DesiredWeight", weights[name]))
    if sum(weights.values()) <= 0:
        raise ServiceError("ValidationException", "The sum of all variants' weights must be greater than 0.")


def _check_concurrency(variant: str, config: Mapping[str, int]) -> None:
    provisioned, most = config.get("ProvisionedConcurrency", 0), config["MaxConcurrency"]
    if provisioned > most:
        raise ServiceError(
            "ValidationException",
            f'The variant "{variant}": ProvisionedConcurrency {provisioned} is more than MaxConcurrency {most}.',
        )


def _reach(endpoint: Endpoint, current: Generation, before: tuple[dict[str, float], dict[str, int]]) -> None:
    try:
        for name, fleet in current.fleets.items():
            if isinstance(fleet, ServerlessFleet):
                fleet.provision()
                continue
            delta = current.desired[name] - fleet.count
            if delta > 0:
                fleet.grow(delta)
            elif delta < 0:
                fleet.shrink(-delta)
    except NotWell as error:
        endpoint.note(f"rolling back: {error}")
        enter(endpoint, "RollingBack")
        current.weights, current.desired = before
        for name, fleet in current.fleets.items():
            if not isinstance(fleet, ServerlessFleet):
                fleet.shrink(max(0, fleet.count - current.desired[name]))
    enter(endpoint, "InService")
