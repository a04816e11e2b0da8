"""Finds who answers a request: a configuration by the deployment's shares, a variant by weight, an instance."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

from embedded.operations import ServiceError
from embedded.services.sagemaker.serving.endpoints import store
from embedded.services.sagemaker.serving.endpoints.endpoint import Endpoint
from embedded.services.sagemaker.serving.fleets.fleet import Fleet
from embedded.services.sagemaker.serving.fleets.generation import Generation
from embedded.services.sagemaker.serving.fleets.member import Member
from embedded.services.sagemaker.serving.fleets.serverless import ServerlessFleet
from embedded.services.sagemaker.serving.invocations import errors
from embedded.services.sagemaker.serving.invocations.request import Inference, check_target


def find(account: str, region: str, name: str) -> Endpoint:
    """The endpoint of a request."""
    found = store.find(account, region, name)
    if found is None or found.status in ("Creating", "Deleting", "Failed") or not found.routes:
        raise errors.invalid(f"Endpoint {name} of account {account} not found.")
    return found


def choose(endpoint: Endpoint, inference: Inference) -> tuple[Generation, Fleet]:
    """The configuration and the variant that answer a request."""
    routes = endpoint.routes
    if not routes:
        raise errors.invalid(f"Endpoint {endpoint.name} of account {endpoint.account} not found.")
    (generation,) = random.choices([one for _, one in routes], [share for share, _ in routes])
    fleet = generation.choose(inference.variant)
    if fleet is None:
        # during a deployment only one of the two may have the variant
        fleet = next((found for _, one in routes if (found := one.choose(inference.variant)) is not None), None)
    if fleet is None:
        known = ", ".join(generation.fleets)
        raise errors.invalid(f"Variant {inference.variant} not found for endpoint {endpoint.name}: it has {known}.")
    check_target(endpoint, fleet, inference)
    return generation, fleet


def has_moved(endpoint: Endpoint, generation: Generation) -> bool:
    """Whether a configuration serves no more: it did when the request was given to it."""
    return all(one is not generation for _, one in endpoint.routes)


@contextmanager
def instance(fleet: Fleet, others_than: list[Member]) -> Iterator[Member]:
    """An instance of the fleet, counted as busy meanwhile."""
    found = fleet.pick(others_than)
    if found is None:
        raise _nobody(fleet)
    found.begin()
    try:
        yield found
    finally:
        found.done()
        fleet.release(found)


def _nobody(fleet: Fleet) -> ServiceError:
    if isinstance(fleet, ServerlessFleet) and fleet.is_full():
        return errors.throttled()
    return errors.Nobody(fleet.plan.name)
