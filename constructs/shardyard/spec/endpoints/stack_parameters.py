"""The stack parameters of one endpoint: which model each variant serves."""

from shardyard.spec import names
from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.endpoints.model import ModelSource
from shardyard.spec.jobs.stack_parameters import pascal
from shardyard.spec.parameter import Parameter

_BUCKET = r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/"


def endpoint_parameters(spec: EndpointSpec) -> dict[str, Parameter]:
    """The parameters by variant; the endpoint's own model, which most variants share, is under the empty name."""
    found = {}
    if any(one.model is None for one in spec.variants.values()):
        found[""] = _parameter(spec, "", spec.model)
    for name, one in spec.variants.items():
        if one.model is not None:
            found[name] = _parameter(spec, name, one.model)
    return found


def parameter_of(spec: EndpointSpec, variant: str) -> str:
    """The key, in `endpoint_parameters`, of what a variant serves."""
    return "" if spec.variants[variant].model is None else variant


def _parameter(spec: EndpointSpec, variant: str, model: ModelSource) -> Parameter:
    table = f"variants.{variant}.model" if variant else "model"
    end, says = (
        (r"[^\s]+/", "prefix in S3 that ends with a slash")
        if model.is_prefix
        else (
            r"[^\s]+\.tar\.gz",
            "address in S3 that ends with .tar.gz",
        )
    )
    return Parameter(
        name=f"{pascal(spec.name)}Model{pascal(variant)}",
        part=names.serving_part(spec.name),
        overrides=f"[{table}] of endpoints/{spec.name}.toml",
        says=f"an {says}" if says.startswith("a") else f"a {says}",
        pattern=f"{_BUCKET}{end}",
    )
