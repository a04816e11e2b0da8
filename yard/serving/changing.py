"""What is changed about an endpoint beside its deploys, and what is read of it: instances, weights, logs, its end."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.endpoints.stack_parameters import endpoint_parameters
from shardyard.spec.errors import nearest
from yard.aws import Aws
from yard.errors import Exit, UserError
from yard.serving.deploying import deploy
from yard.serving.endpoints import Standing, in_service, service_name, standing

LOG_GROUP = "/aws/sagemaker/Endpoints"


def rows_of(found: Standing) -> list[dict[str, Any]]:
    """A row for each variant."""
    variants = [] if found.described is None else found.described.get("ProductionVariants", [])
    return [
        {
            "variant": one["VariantName"],
            "instances": _now_and_wanted(one),
            "weight": one.get("CurrentWeight"),
            "phase": ", ".join(phase["Status"] for phase in one.get("VariantStatus", ())) or None,
        }
        for one in variants
    ]


def _now_and_wanted(variant: Mapping[str, Any]) -> str:
    now, wanted = variant.get("CurrentInstanceCount"), variant.get("DesiredInstanceCount")
    if now is None:
        return "serverless"
    return str(now) if now == wanted else f"{now} of {wanted}"


def only_variant(spec: EndpointSpec, name: str | None) -> str:
    """The variant of that name, or the only one; a serverless one has no instances."""
    if name is None:
        if len(spec.variants) > 1:
            said = f"{spec.name} has several variants: {', '.join(spec.variants)}."
            raise UserError(said, "Say which: --variant NAME.", Exit.USAGE)
        name = next(iter(spec.variants))
    _known(spec, name)
    if spec.kind == "serverless":
        raise UserError(f"{spec.name} is serverless: it has no instances.", "Set concurrency in its file, and deploy.")
    return name


def read_weights(spec: EndpointSpec, pairs: Sequence[str]) -> dict[str, float]:
    """`VARIANT=WEIGHT`, each of a variant that there is."""
    found = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        _known(spec, name)
        try:
            weight = float(text) if equals else -1.0
        except ValueError:
            weight = -1.0
        if not 0 <= weight <= 1000:
            raise UserError(f"{pair!r} is not VARIANT=WEIGHT with a weight of 0 to 1000.", code=Exit.USAGE)
        found[name] = weight
    return found


def _known(spec: EndpointSpec, variant: str) -> None:
    if variant not in spec.variants:
        raise UserError(f"{spec.name} has no variant {variant!r}; {nearest(variant, list(spec.variants))}")


def change(aws: Aws, spec: EndpointSpec, wanted: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Change instances or weights of variants of an endpoint that stands and is at rest."""
    found = in_service(aws, spec.name)
    if found.status != "InService":
        raise UserError(
            f"{spec.name} is {found.status}, and only an endpoint at rest is changed.",
            f"Wait until it is InService: yard endpoint status {spec.name}",
        )
    name = service_name(aws.project, spec.name)
    given = [{"VariantName": variant, **values} for variant, values in wanted.items()]
    aws.client("sagemaker").update_endpoint_weights_and_capacities(EndpointName=name, DesiredWeightsAndCapacities=given)
    return {"endpoint": name, "changed": given}


def newest_lines(aws: Aws, name: str, count: int) -> list[dict[str, Any]]:
    """The newest lines of all containers, in the order of their times."""
    client, group = aws.client("logs"), f"{LOG_GROUP}/{service_name(aws.project, name)}"
    try:
        pages = client.get_paginator("filter_log_events").paginate(logGroupName=group)
        events = [event for page in pages for event in page["events"]]
    except client.exceptions.ResourceNotFoundException:
        return []
    events.sort(key=lambda event: event["timestamp"])
    return [
        {"at": event["timestamp"], "stream": event["logStreamName"], "text": event["message"]}
        for event in events[-count:]
    ]


def take_away(aws: Aws, spec: EndpointSpec, say: Callable[[str], None]) -> Standing:
    """Set the models of a stack back to empty, which takes everything away that bills."""
    waits = {
        key: one
        for key, one in endpoint_parameters(spec).items()
        if (spec.model_of(key) if key else spec.model).s3 is None
    }
    stack = standing(aws, spec.name).stack
    if not waits:
        raise UserError(
            f"The file of {spec.name} itself names a model in S3, so its stack would make it anew.",
            f"Remove the file, then: npx cdk destroy {stack}",
        )
    return deploy(aws, spec.name, {one.name: "" for one in waits.values()}, say).standing
