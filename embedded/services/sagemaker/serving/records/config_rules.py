"""The rules of CreateEndpointConfig that its documentation states and its service model does not."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from embedded.operations import Call, Params, ServiceError
from embedded.services.sagemaker.serving.records.model_rules import containers_of
from embedded.services.sagemaker.serving.records.packages import resolved
from embedded.services.sagemaker.serving.records.refused import not_emulated, refuse
from embedded.services.sagemaker.serving.records.store import Record, models
from shardyard.spec.catalogue.instances import INSTANCES

_COMPONENTS = "inference components are not emulated; name a model in each variant"
_NOT_HONOURED = {
    "ExplainerConfig": "SageMaker Clarify takes no new customers",
    "ExecutionRoleArn": _COMPONENTS,
    "VpcConfig": f"it is for inference components; a model has its own VpcConfig. {_COMPONENTS.capitalize()}",
    "EnableNetworkIsolation": f"it is for inference components; a model has its own. {_COMPONENTS.capitalize()}",
    "MetricsConfig": "metrics are published as they are without it",
    "CrossRegionTrafficConfig": "a cloud on one machine has no other region to send traffic to",
}
_NOT_HONOURED_OF_VARIANTS = {
    "AcceleratorType": "Elastic Inference has been shut down",
    "CoreDumpConfig": "no core dumps are taken",
    "InstancePools": "give one InstanceType",
    "VariantInstanceProvisionTimeoutInSeconds": "it is for InstancePools",
    "ManagedInstanceScaling": _COMPONENTS,
    "CapacityReservationConfig": "there are no reservations here",
    "AcceleratorPartitionLayouts": "there are no accelerators here",
    "EnableSSMAccess": "use `yard` to enter a container",
}
MEMORY_SIZES = range(1024, 6145, 1024)


def check_create(call: Call, params: Params) -> None:
    """Raise the service's error for a request that it would refuse."""
    variants = params["ProductionVariants"]
    shadows = params.get("ShadowProductionVariants", [])
    messages = list(not_emulated(params, _NOT_HONOURED, ""))
    names = [one["VariantName"] for one in (*variants, *shadows)]
    if len(set(names)) != len(names):
        messages.append(f"The names of variants must be unique, but they are {', '.join(names)}.")
    if shadows and (len(variants) != 1 or len(shadows) != 1):
        messages.append("A shadow variant needs exactly one production variant and one shadow variant.")
    for one in (*variants, *shadows):
        messages += _variant(one)
    if sum(weight_of(one) for one in variants) <= 0:
        messages.append("The sum of InitialVariantWeight of all variants must be greater than 0.")
    messages += _serverless(params, [*variants, *shadows])
    messages += _asynchronous(params, [*variants, *shadows])
    messages += _capture(params)
    refuse(messages)
    for one in (*variants, *shadows):
        model = models.get(call, one["ModelName"])
        refuse(list(_with_model(call, params, one, model)))


def weight_of(variant: Mapping[str, Any]) -> float:
    """The variant's share before it is set against the others'; 1 where none is given."""
    return float(variant.get("InitialVariantWeight", 1.0))


def _variant(one: Mapping[str, Any]) -> Iterator[str]:
    where = f"Variant {one['VariantName']}: "
    yield from not_emulated(one, _NOT_HONOURED_OF_VARIANTS, where)
    if "ModelName" not in one:
        yield f"{where}ModelName is required: {_COMPONENTS}."
    strategy = one.get("RoutingConfig", {}).get("RoutingStrategy", "RANDOM")
    if strategy not in ("RANDOM", "LEAST_OUTSTANDING_REQUESTS"):
        yield f"{where}RoutingStrategy {strategy} is not emulated; use RANDOM or LEAST_OUTSTANDING_REQUESTS."
    if "PrefixAwareRoutingConfig" in one.get("RoutingConfig", {}):
        yield f"{where}PrefixAwareRoutingConfig is not emulated: PREFIX_AWARE routing is not."
    if "ServerlessConfig" in one:
        return
    for name in ("InstanceType", "InitialInstanceCount"):
        if name not in one:
            yield f"{where}{name} is required for a variant without ServerlessConfig."
    kind = str(one.get("InstanceType"))
    if "VolumeSizeInGB" in one and kind in INSTANCES and INSTANCES[kind].local_disk_gb:
        yield f"{where}VolumeSizeInGB cannot be given for {kind}, which has local storage."


def _serverless(params: Params, variants: list[dict[str, Any]]) -> Iterator[str]:
    configs = [one["ServerlessConfig"] for one in variants if "ServerlessConfig" in one]
    if not configs:
        return
    if len(variants) > 1:
        yield "A serverless endpoint can have one production variant only, and no shadow variant."
    for name in ("DataCaptureConfig", "AsyncInferenceConfig", "KmsKeyId"):
        if name in params:
            yield f"{name} is not supported with ServerlessConfig."
    for config in configs:
        if config["MemorySizeInMB"] not in MEMORY_SIZES:
            sizes = ", ".join(str(size) for size in MEMORY_SIZES)
            yield f"ServerlessConfig.MemorySizeInMB must be one of {sizes}, not {config['MemorySizeInMB']}."
        provisioned = config.get("ProvisionedConcurrency", 0)
        if provisioned > config["MaxConcurrency"]:
            yield f"ProvisionedConcurrency {provisioned} is more than MaxConcurrency {config['MaxConcurrency']}."
    fleet = {"InstanceType", "InitialInstanceCount", "VolumeSizeInGB", "RoutingConfig", "InferenceAmiVersion"}
    for one in variants:
        for name in sorted(fleet & one.keys()):
            yield f"Variant {one['VariantName']}: {name} is not supported with ServerlessConfig."


def _asynchronous(params: Params, variants: list[dict[str, Any]]) -> Iterator[str]:
    config = params.get("AsyncInferenceConfig")
    if config is None:
        return
    if len(variants) > 1:
        yield "An asynchronous endpoint can have one production variant only."
    if "DataCaptureConfig" in params:
        yield "DataCaptureConfig is not supported with AsyncInferenceConfig."
    output = config["OutputConfig"]
    if "S3OutputPath" not in output:
        yield "AsyncInferenceConfig.OutputConfig.S3OutputPath is required."


def _capture(params: Params) -> Iterator[str]:
    config = params.get("DataCaptureConfig")
    if config is None:
        return
    modes = [one["CaptureMode"] for one in config["CaptureOptions"]]
    if len(set(modes)) != len(modes):
        yield f"DataCaptureConfig.CaptureOptions must not repeat a mode, but they are {', '.join(modes)}."


def _with_model(call: Call, params: Params, variant: Mapping[str, Any], model: Record) -> Iterator[str]:
    """What excludes what, between a variant and its model."""
    definitions = [resolved(call, one) for one in containers_of(model.request)]
    many = any(one.get("Mode") == "MultiModel" for one in definitions)
    where = f"Variant {variant['VariantName']}: "
    if many and "AsyncInferenceConfig" in params:
        yield f"{where}a multi-model container cannot serve an asynchronous endpoint."
    if "ServerlessConfig" not in variant:
        return
    if many or len(definitions) > 1:
        yield f"{where}a serverless variant needs a model of one container in Mode SingleModel."
    for name in ("VpcConfig", "EnableNetworkIsolation"):
        if model.request.get(name):
            yield f"{where}{name} of the model {model.name} is not supported with ServerlessConfig."


def check_update(old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """What UpdateEndpoint refuses of a new configuration, given the one in service."""
    kinds: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
        "serverless": lambda config: any("ServerlessConfig" in one for one in config["ProductionVariants"]),
        "asynchronous": lambda config: "AsyncInferenceConfig" in config,
    }
    for kind, has in kinds.items():
        before, after = has(old), has(new)
        if before != after:
            raise ServiceError(
                "ValidationException",
                f"An endpoint that is {'' if before else 'not '}{kind} cannot be updated to a configuration that is "
                f"{'' if after else 'not '}{kind}; create another endpoint.",
            )
