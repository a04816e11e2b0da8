"""All endpoints of this cloud, what is kept of them, and how they come back after a start."""

import atexit
import contextlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from embedded.kept import parts
from embedded.nodes.folders import remove_folder
from embedded.operations import Call, ServiceError
from embedded.services.sagemaker.serving.endpoints.endpoint import Endpoint
from embedded.services.sagemaker.serving.fleets.plan import FleetPlan

_endpoints: dict[tuple[str, str, str], Endpoint] = {}
_lock = threading.Lock()


@dataclass(kw_only=True, slots=True)
class Kept:
    """What is needed to serve an endpoint again."""

    account: str
    region: str
    name: str
    config: str
    tags: dict[str, str]
    created: datetime
    deployment_config: Mapping[str, Any] | None
    failure_reason: str | None = None
    request: Mapping[str, Any] = field(default_factory=dict)
    """The configuration in service, which may be deleted by now; nothing for an endpoint that has failed."""
    plans: list[FleetPlan] = field(default_factory=list)
    shadows: list[FleetPlan] = field(default_factory=list)
    weights: dict[str, float] = field(default_factory=dict)
    desired: dict[str, int] = field(default_factory=dict)


returning: list[Kept] = []
"""What came back with a snapshot and waits to be started."""


def add(endpoint: Endpoint) -> None:
    """Take an endpoint in; a name is taken once."""
    with _lock:
        key = (endpoint.account, endpoint.region, endpoint.name)
        if key in _endpoints:
            raise ServiceError("ValidationException", f'Cannot create already existing endpoint "{endpoint.arn}".')
        _endpoints[key] = endpoint


def remove(endpoint: Endpoint) -> None:
    """Forget an endpoint."""
    with _lock:
        _endpoints.pop((endpoint.account, endpoint.region, endpoint.name), None)


def find(account: str, region: str, name: str) -> Endpoint | None:
    """The endpoint of this name."""
    return _endpoints.get((account, region, name))


def get(call: Call, name: str) -> Endpoint:
    """The endpoint of this name, or the service's error."""
    found = find(call.account, call.region, name)
    if found is None:
        arn = Endpoint(call.account, call.region, name, "", {}).arn
        raise ServiceError("ValidationException", f'Could not find endpoint "{arn}".')
    return found


def everywhere() -> list[Endpoint]:
    """The endpoints of all accounts and regions."""
    return list(_endpoints.values())


def _keep() -> list[Kept]:
    kept = []
    for one in everywhere():
        current = one.current
        found = Kept(
            account=one.account,
            region=one.region,
            name=one.name,
            config=one.config,
            tags=dict(one.tags),
            created=one.created,
            deployment_config=one.deployment_config,
            failure_reason=one.failure_reason,
        )
        if current is not None:
            found.config, found.request = current.config, current.request
            found.plans = [fleet.plan for fleet in current.fleets.values()]
            found.shadows = [fleet.plan for fleet in current.shadows.values()]
            found.weights, found.desired = dict(current.weights), dict(current.desired)
        kept.append(found)
    return kept


def _put(found: list[Kept]) -> None:
    returning[:] = found


parts.keep("sagemaker.endpoints", _keep, _put)


@atexit.register
def _remove_folders() -> None:
    """Cells end with this process and remove their folders; those without a cell yet are removed here."""
    for endpoint in everywhere():
        generations = [generation for _, generation in endpoint.routes]
        generations += [endpoint.pending.generation] if endpoint.pending is not None else []
        for generation in generations:
            for fleet in generation.everyone().values():
                for member in fleet.members:
                    for container in member.containers.values():
                        with contextlib.suppress(OSError):
                            remove_folder(container.folder)
