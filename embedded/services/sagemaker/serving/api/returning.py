"""Endpoints come back with the cloud: their fleets start again, and until then they are SystemUpdating."""

from embedded.kept import parts
from embedded.services.sagemaker.serving.api.endpoints import engine
from embedded.services.sagemaker.serving.deployments.running import enter, first, in_background
from embedded.services.sagemaker.serving.endpoints import store
from embedded.services.sagemaker.serving.endpoints.endpoint import Endpoint
from embedded.services.sagemaker.serving.fleets.generation import Generation


@parts.afterwards
def _start() -> None:
    while store.returning:
        _bring_back(store.returning.pop())


def _bring_back(kept: store.Kept) -> None:
    endpoint = Endpoint(kept.account, kept.region, kept.name, kept.config, kept.tags)
    endpoint.created, endpoint.deployment_config = kept.created, kept.deployment_config
    store.add(endpoint)
    if not kept.plans:
        # it had failed, or its first fleet was not well yet: that ended with the cloud
        reason = kept.failure_reason or "The cloud was stopped while the endpoint was being created."
        enter(endpoint, "Failed", reason)
        return
    generation = Generation(kept.config, kept.request, kept.plans, kept.shadows, engine)
    generation.weights, generation.desired = dict(kept.weights), dict(kept.desired)
    enter(endpoint, "SystemUpdating")
    in_background(endpoint, lambda: first(endpoint, generation))
