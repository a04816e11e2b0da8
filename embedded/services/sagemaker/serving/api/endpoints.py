"""The operations of endpoints."""

from collections.abc import Mapping
from typing import Any

from embedded import limits
from embedded.nodes.process_engine import ProcessEngine
from embedded.operations import Call, Params, ServiceError, operation
from embedded.services.sagemaker.jobs.records.listing import matches, page
from embedded.services.sagemaker.serving.deployments import alarms, capacities, policy, retained, scaled
from embedded.services.sagemaker.serving.deployments.running import Deployment, enter, first, in_background
from embedded.services.sagemaker.serving.endpoints import store
from embedded.services.sagemaker.serving.endpoints.endpoint import IN_PROGRESS, Endpoint
from embedded.services.sagemaker.serving.fleets.generation import Generation
from embedded.services.sagemaker.serving.fleets.plan import of_config
from embedded.services.sagemaker.serving.records import config_rules
from embedded.services.sagemaker.serving.records.store import RecordTags, configs
from embedded.services.sagemaker.tags import Tags, taggable

engine = ProcessEngine()


@operation("sagemaker", "CreateEndpoint")
def create_endpoint(call: Call, params: Params) -> Mapping[str, Any]:
    """Start the fleets. A DeploymentConfig does nothing yet: it counts from the first update on, if retained."""
    policy.read(params.get("DeploymentConfig"))
    made = generation_of(call, params["EndpointName"], params["EndpointConfigName"])
    check_quotas(call, made, ())
    tags = {tag["Key"]: tag["Value"] for tag in params.get("Tags", ())}
    endpoint = Endpoint(call.account, call.region, params["EndpointName"], params["EndpointConfigName"], tags)
    endpoint.deployment_config = params.get("DeploymentConfig")
    store.add(endpoint)
    enter(endpoint, "Creating")
    in_background(endpoint, lambda: first(endpoint, made))
    return {"EndpointArn": endpoint.arn}


def generation_of(call: Call, endpoint: str, config: str) -> Generation:
    """The fleets that a configuration means, not started yet."""
    request = configs.get(call, config).request
    plans = of_config(call, endpoint, config, request, "ProductionVariants")
    shadows = of_config(call, endpoint, config, request, "ShadowProductionVariants")
    return Generation(config, request, plans, shadows, engine)


@operation("sagemaker", "DescribeEndpoint")
def describe_endpoint(call: Call, params: Params) -> Mapping[str, Any]:
    return store.get(call, params["EndpointName"]).describe()


@operation("sagemaker", "ListEndpoints")
def list_endpoints(call: Call, params: Params) -> Mapping[str, Any]:
    """Newest first, unless the request asks for another order."""
    mine = [one for one in store.everywhere() if (one.account, one.region) == (call.account, call.region)]
    found, more = page([one for one in mine if matches(one, params)], params)
    return {"Endpoints": [one.summary() for one in found], **more}


@operation("sagemaker", "UpdateEndpoint")
def update_endpoint(call: Call, params: Params) -> Mapping[str, Any]:
    """Deploy another configuration under the deployment policy."""
    endpoint = store.get(call, params["EndpointName"])
    given = params.get("DeploymentConfig")
    if given is not None and params.get("RetainDeploymentConfig"):
        raise ServiceError(
            "ValidationException", "Only one of DeploymentConfig and RetainDeploymentConfig can be given."
        )
    with endpoint.lock:
        capacities.check_idle(endpoint)
        current = endpoint.current
        assert current is not None, "an endpoint in service has a fleet"
        wanted = endpoint.deployment_config if params.get("RetainDeploymentConfig") else given
        chosen = policy.read(wanted)
        if params["EndpointConfigName"] == endpoint.config:
            raise ServiceError(
                "ValidationException",
                f'The endpoint configuration "{configs.arn(call, endpoint.config)}" is in service already: an endpoint '
                "is updated to another configuration.",
            )
        made = generation_of(call, endpoint.name, params["EndpointConfigName"])
        config_rules.check_update(current.request, made.request)
        retained.take_over(made, current, params)
        policy.check_against_fleet(chosen, sum(made.desired[name] for name in made.fleets))
        scaled.check_update(endpoint, made)
        alarms.check_known(call.account, call.region, chosen.alarms)
        check_quotas(call, made, () if chosen.kind != "ROLLING" else (current,))
        endpoint.deployment_config = wanted
        deployment = Deployment(endpoint, made, chosen)
        enter(endpoint, "Updating")
    in_background(endpoint, deployment.run)
    return {"EndpointArn": endpoint.arn}


@operation("sagemaker", "UpdateEndpointWeightsAndCapacities")
def update_endpoint_weights_and_capacities(call: Call, params: Params) -> Mapping[str, Any]:
    """Change weights and counts of the variants in service."""
    endpoint = store.get(call, params["EndpointName"])
    capacities.change(endpoint, params["DesiredWeightsAndCapacities"])
    return {"EndpointArn": endpoint.arn}


@operation("sagemaker", "DeleteEndpoint")
def delete_endpoint(call: Call, params: Params) -> Mapping[str, Any]:
    """End the fleets; what scales the endpoint is deregistered."""
    endpoint = store.get(call, params["EndpointName"])
    with endpoint.lock:
        if endpoint.status in IN_PROGRESS:
            raise ServiceError("ValidationException", f'Cannot update in-progress endpoint "{endpoint.arn}".')
        enter(endpoint, "Deleting")
    scaled.deregister(endpoint)
    in_background(endpoint, lambda: _end(endpoint))
    return {}


def _end(endpoint: Endpoint) -> None:
    routes = endpoint.routes
    endpoint.routes = ()
    for _, generation in routes:
        generation.stop()
    store.remove(endpoint)


def check_quotas(call: Call, wanted: Generation, instead_of: tuple[Generation, ...]) -> None:
    """Refuse fleets that would exceed a quota; a rolling deployment counts `instead_of` what it replaces."""
    delta = _instances(wanted)
    replaced: dict[str, int] = {}
    for one in instead_of:
        replaced |= _instances(one)
    mine = [one for one in store.everywhere() if (one.account, one.region) == (call.account, call.region)]
    used: dict[str, int] = {}
    for endpoint in mine:
        for _, generation in endpoint.routes:
            for kind, count in _instances(generation).items():
                used[kind] = used.get(kind, 0) + count
    for kind, count in delta.items():
        quota = f"{kind} for endpoint usage"
        limit = limits.granted(call.account, call.region, quota)
        have = used.get(kind, 0)
        if limit is not None and have - replaced.get(kind, 0) + count > limit:
            raise ServiceError(
                "ResourceLimitExceeded",
                f"The account-level service limit '{quota}' is {limit:.15g} Instances, with current utilization of "
                f"{have} Instances and a request delta of {count} Instances. Please use AWS Service Quotas to request "
                "an increase for this quota. If AWS Service Quotas is not available, contact AWS support to request "
                "an increase for this quota.",
            )


def _instances(generation: Generation) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name, fleet in generation.everyone().items():
        kind = fleet.plan.instance_type
        if kind is not None:
            counts[kind] = counts.get(kind, 0) + generation.desired[name]
    return counts


@taggable
def _tags_of(call: Call, arn: str) -> Tags | None:
    if ":endpoint/" not in arn:
        return None
    return RecordTags(store.get(call, arn.rpartition("/")[2]))
