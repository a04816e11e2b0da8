"""What Describe says of the variants of one configuration."""

from datetime import datetime
from typing import Any

from embedded.services.sagemaker.serving.fleets.fleet import Fleet
from embedded.services.sagemaker.serving.fleets.generation import Generation
from embedded.services.sagemaker.serving.fleets.serverless import ServerlessFleet


def variants_of(
    generation: Generation, status: str | None = None, since: datetime | None = None
) -> list[dict[str, Any]]:
    """The production variants' summaries; `status` is theirs while something goes on."""
    return [
        _variant(fleet, generation.desired[name], status, since)
        | {"CurrentWeight": generation.weights[name], "DesiredWeight": generation.weights[name]}
        for name, fleet in generation.fleets.items()
    ]


def shadows_of(generation: Generation) -> list[dict[str, Any]]:
    """The shadow variants' summaries."""
    return [
        _variant(fleet, generation.desired[name], None, None)
        | {"CurrentWeight": fleet.plan.variant["InitialVariantWeight"]}
        | {"DesiredWeight": fleet.plan.variant["InitialVariantWeight"]}
        for name, fleet in generation.shadows.items()
    ]


def _variant(fleet: Fleet, desired: int, status: str | None, since: datetime | None) -> dict[str, Any]:
    variant = fleet.plan.variant
    images = [one["Image"] for one in fleet.plan.definitions]
    answer: dict[str, Any] = {
        "VariantName": fleet.plan.name,
        "DeployedImages": [{"SpecifiedImage": image, "ResolvedImage": image} for image in images],
    }
    if isinstance(fleet, ServerlessFleet):
        shown = dict(fleet.config)
        answer |= {"CurrentServerlessConfig": shown, "DesiredServerlessConfig": dict(shown)}
        # a serverless variant has no instances that one could count
    else:
        answer |= {"CurrentInstanceCount": fleet.count, "DesiredInstanceCount": desired}
        if "RoutingConfig" in variant:
            answer["RoutingConfig"] = dict(variant["RoutingConfig"])
    if status is not None:
        moment = {} if since is None else {"StartTime": since}
        answer["VariantStatus"] = [{"Status": status, **moment}]
    return answer
