"""Rules about an endpoint's surroundings: region, variables, cost."""

import re
from collections.abc import Iterator

from contract import serving, variables
from shardyard.spec.catalogue.hosting import HOSTING_DATE, REGIONS
from shardyard.spec.endpoints.cost import monthly_cost
from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.errors import Problem, nearest
from shardyard.spec.jobs.open_secrets import is_open_secret
from shardyard.spec.rules.base import GUIDE, Facts, rule

_PRICED_IN = "us-east-1"
"""The region of the snapshot, where the account's own is not known."""
MOST_VARIABLES = 100
MOST_BYTES = 32_768
"""Of the names and values of all variables of a container together."""
_SET_BY_SAGEMAKER = (serving.PORT_VARIABLE, "SAGEMAKER_SAFE_PORT_RANGE", serving.MULTI_MODEL_VARIABLE)
_FOR_CONTAINERS = (
    variables.SERVING_BATCH,
    variables.SERVING_DRAIN_SECONDS,
    variables.SERVING_LOAD,
    variables.SERVING_MEMORY_MB,
    variables.SERVING_METRICS_SECONDS,
    variables.SERVING_QUEUE,
    variables.SERVING_RANKS,
    variables.SERVING_RETRIES,
    variables.SERVING_SLOTS,
    variables.WITHOUT_GPUS,
)


@rule(
    "region-has-hosting",
    reason="CloudFormation does not know the type there, and the deploy fails.",
    source=f"CloudFormation's schemas by region, {HOSTING_DATE}",
    of=EndpointSpec,
)
def region_has_hosting(spec: EndpointSpec, facts: Facts) -> Iterator[Problem]:
    """The account's region has endpoints."""
    if facts.region is not None and facts.region not in REGIONS["endpoint"]:
        yield Problem("", f"{facts.region} has no endpoints, as of {HOSTING_DATE} (choose another region)")


@rule(
    "endpoint-variables",
    reason="Variables stand in the template and in DescribeModel for everyone to read, and are 100 at most.",
    source=f"CreateModel, service model of botocore 1.44.8: Environment; {GUIDE}, protect data",
    of=EndpointSpec,
)
def endpoint_variables(spec: EndpointSpec, facts: Facts) -> Iterator[Problem]:
    """The variables of a container are 100 at most, and none is a secret."""
    for where, name, value in _variables(spec):
        if is_open_secret(name, value):
            yield Problem(where, "looks like a secret, and everyone could read it (let the code fetch it)")
    for name, one in spec.variants.items():
        count = len({**spec.environment, **one.environment})
        if count > MOST_VARIABLES:
            yield Problem(
                f"variants.{name}.environment", f"{count} variables are not allowed ({MOST_VARIABLES} or fewer)"
            )


@rule(
    "endpoint-variable-limits",
    reason="SageMaker refuses the request, or sets the variable itself.",
    source="CreateModel, service model of botocore 1.44.8: Environment",
    of=EndpointSpec,
)
def endpoint_variable_limits(spec: EndpointSpec, facts: Facts) -> Iterator[Problem]:
    """A variable has a name and a value that SageMaker takes, and is none that it sets."""
    for where, name, value in _variables(spec):
        if name in _SET_BY_SAGEMAKER:
            yield Problem(where, "this variable is set by SageMaker (remove it)")
        elif re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]{0,1023}", name) is None:
            yield Problem(where, f"{name[:40]!r} is not allowed (letters, digits and underscores, no digit first)")
        if len(value.encode()) > 1024:
            yield Problem(where, f"a value of {len(value.encode())} bytes is not allowed (1024 or fewer)")
    for name, one in spec.variants.items():
        table = {**spec.environment, **one.environment}
        length = sum(len(f"{key}{value}".encode()) for key, value in table.items())
        if length > MOST_BYTES:
            said = f"all variables together have {length} bytes ({MOST_BYTES} or fewer)"
            yield Problem(f"variants.{name}.environment", said)


@rule(
    "endpoint-variables-of-ours",
    reason="The container ends as soon as it starts, or does not do what was asked for.",
    source="contract.serving, which the containers of containers/ read",
    of=EndpointSpec,
)
def endpoint_variables_of_ours(spec: EndpointSpec, facts: Facts) -> Iterator[Problem]:
    """A variable of the serving containers is one that they know, with a value that they understand."""
    for where, name, value in _variables(spec):
        if name.startswith(variables.PREFIX) and name not in _FOR_CONTAINERS:
            yield Problem(where, f"a container knows no such variable; {nearest(name, _FOR_CONTAINERS)}")
        limit, text = serving.NUMBERS.get(name), value.strip()
        if spec.image.folder is None or not text:
            continue
        if limit is not None and limit.read(text) is None:
            yield Problem(where, f"{text[:40]!r} is not allowed ({limit.says})")
        elif name == variables.SERVING_LOAD and text.lower() not in serving.LOAD_WORDS:
            yield Problem(where, f"{text[:40]!r} is not allowed ('worker', or leave it out)")


def _variables(spec: EndpointSpec) -> Iterator[tuple[str, str, str]]:
    """The place, the name and the value of each variable."""
    places = {"environment": spec.environment}
    places |= {f"variants.{name}.environment": one.environment for name, one in spec.variants.items()}
    for place, found in places.items():
        for name, value in found.items():
            yield f"{place}.{name}", name, value


@rule(
    "month-within-the-cap",
    reason="An endpoint bills for as long as it stands, whoever calls it.",
    source="the endpoint's own cost.cap_usd",
    of=EndpointSpec,
)
def month_within_the_cap(spec: EndpointSpec, facts: Facts) -> Iterator[Problem]:
    """An endpoint with a cap costs less in a month, with every variant scaled out."""
    cap = spec.cost.cap_usd
    if cap is None:
        return
    cost = monthly_cost(spec, facts.region or _PRICED_IN)
    if cost.unpriced:
        said = f"no price is known for {', '.join(cost.unpriced)} (give it in cost.hourly_usd, or remove the cap)"
        yield Problem("cost.cap_usd", said)
    elif cost.most_usd > cap:
        yield Problem(
            "cost.cap_usd", f"{cap:g} is less than a month may cost ({cost.most_usd:.2f} USD, all scaled out)"
        )
