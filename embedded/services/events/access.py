"""What IAM is asked for a request to this service."""

from embedded.access import facts
from embedded.access.request_resources import Params, Where


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


facts.passes_role("events:PutRule", "RoleArn", "events.amazonaws.com")
