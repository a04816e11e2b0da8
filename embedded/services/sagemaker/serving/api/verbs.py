"""What the cloud's owner sees of endpoints and does to them: faults on demand, in the admin interface."""

from collections.abc import Mapping
from typing import Any

from embedded.operations import Params, ServiceError, admin, amount
from embedded.services.sagemaker.serving.endpoints import store
from embedded.services.sagemaker.serving.endpoints.endpoint import Endpoint
from embedded.services.sagemaker.serving.fleets.member import Member


@admin("endpoints")
def show(params: Params) -> Mapping[str, Any]:
    """`{name?}`: each endpoint's traffic, its instances and its history, which tells what Describe does not."""
    name = params.get("name")
    return {"endpoints": [_shown(one) for one in store.everywhere() if name in (None, one.name)]}


def _shown(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "account": endpoint.account,
        "region": endpoint.region,
        "name": endpoint.name,
        "status": endpoint.status,
        "config": endpoint.config,
        "traffic": [{"config": generation.config, "share": share} for share, generation in endpoint.routes],
        "instances": [_instance(one) for one in _members(endpoint)],
        "history": [{"time": one.time, "what": one.what} for one in endpoint.history],
    }


def _instance(member: Member) -> dict[str, Any]:
    return {
        "id": member.id,
        "variant": member.plan.name,
        "config": member.plan.config,
        "state": member.state,
        "requests": member.outstanding,
    }


def _members(endpoint: Endpoint) -> list[Member]:
    generations = [generation for _, generation in endpoint.routes]
    pending = endpoint.pending
    if pending is not None and pending.generation not in generations:
        generations.append(pending.generation)
    return [member for one in generations for fleet in one.everyone().values() for member in fleet.members]


@admin("endpoint-fault")
def fault(params: Params) -> Mapping[str, Any]:
    """`{name, instance?, variant?, kill?, slow?, sick?}`: faults of one instance, of a variant's, or of all.

    `kill` kills the containers once; `slow` delays each request by so many seconds, 0 ends it; `sick` makes the
    health checks fail, false ends it. No capacity is the verb `capacity`.
    """
    name = params.get("name")
    found = [one for one in store.everywhere() if one.name == name]
    if not found:
        known = ", ".join(one.name for one in store.everywhere())
        raise ServiceError("ValidationException", f"no such endpoint: {name!r}; there are {known or 'none'}")
    unknown = sorted(params.keys() - {"name", "instance", "variant", "kill", "slow", "sick"})
    if unknown:
        raise ServiceError("ValidationException", f"no such fault: {', '.join(unknown)}; known: kill, slow, sick")
    chosen = [
        one
        for endpoint in found
        for one in _members(endpoint)
        if params.get("instance") in (None, one.id) and params.get("variant") in (None, one.plan.name)
    ]
    if not chosen:
        raise ServiceError("ValidationException", f"{name} has no such instance or variant")
    seconds = None if params.get("slow") is None else amount("slow", params["slow"])
    for one in chosen:
        if params.get("kill"):
            one.kill()
        if seconds is not None:
            one.slow_seconds = seconds
        if params.get("sick") is not None:
            one.fails_health = str(params["sick"]).lower() == "true"
    return {"instances": [_instance(one) for one in chosen]}
