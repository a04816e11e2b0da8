"""What IAM is asked for a request to this service."""

from collections.abc import Iterator

from embedded.access import facts
from embedded.access.request_resources import Ask, Params, Where, pass_role
from embedded.protocol import Parsed

_SERVICE = "events.amazonaws.com"


@facts.resource_of("events")
def _resources(action: str, params: Params, where: Where) -> list[str] | None:
    if action == "events:PutEvents":
        buses = {entry.get("EventBusName", "default") for entry in params.get("Entries", ())}
        return [bus if bus.startswith("arn:") else where.arn("events", f"event-bus/{bus}") for bus in sorted(buses)]
    if "ResourceARN" in params:
        return [params["ResourceARN"]]
    name = params.get("Rule", params.get("Name"))
    bus = params.get("EventBusName", "default")
    between = "" if bus == "default" else f"{bus.rsplit('/', 1)[-1]}/"
    return None if name is None else [where.arn("events", f"rule/{between}{name}")]


@facts.further("events")
def _further(parsed: Parsed, own: Ask, where: Where) -> Iterator[Ask]:
    """Each target has a role of its own."""
    if parsed.operation == "PutTargets":
        yield from (pass_role(item["RoleArn"], _SERVICE) for item in parsed.params["Targets"] if item.get("RoleArn"))


facts.passes_role("events:PutRule", "RoleArn", _SERVICE)
