"""What IAM is asked for a request to this service."""

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from embedded.access import facts
from embedded.access.iam_actions import resource_types
from embedded.access.request_resources import Ask, Params, Where, pass_role
from embedded.clients import client
from embedded.protocol import Parsed

_SERVICE = "sagemaker.amazonaws.com"
_OTHER_NAMES = {
    "experiment-trial": "Trial",
    "experiment-trial-component": "TrialComponent",
    "automl-job": "AutoMLJob",
    "endpoint-config": "EndpointConfig",
}

facts.actions_begin("sagemaker-metrics", "sagemaker")
facts.actions_begin("sagemaker-runtime", "sagemaker")
facts.passes_role("sagemaker:CreateModel", "ExecutionRoleArn", _SERVICE)


@facts.resource_of("sagemaker")
def _resources(action: str, params: Params, where: Where) -> list[str] | None:
    """SageMaker names its resources alike: `TrainingJobName` is training-job/NAME."""
    if "ResourceArn" in params:
        return [params["ResourceArn"]]
    for kind in resource_types(action) or ():
        noun = _OTHER_NAMES.get(kind, "".join(word.capitalize() for word in kind.split("-")))
        for value in (params.get(f"{noun}Arn"), params.get(f"{noun}Name")):
            if value:
                return [value if value.startswith("arn:") else where.arn("sagemaker", f"{kind}/{value}")]
    return None


def _definitions(params: Params) -> list[dict[str, Any]]:
    """What a request says of jobs: itself, or the definitions of the training jobs that a tuning job launches."""
    one = [params["TrainingJobDefinition"]] if "TrainingJobDefinition" in params else []
    found: list[dict[str, Any]] = [*one, *params.get("TrainingJobDefinitions", ())]
    return found if found else [dict(params)]


@facts.condition_keys("sagemaker")
def _keys(params: Params) -> dict[str, Any]:
    return _keys_of(_definitions(params)[0])


def _keys_of(params: Params) -> dict[str, Any]:
    cluster = params.get("ProcessingResources", {}).get("ClusterConfig", params.get("TransformResources", {}))
    resources = params.get("ResourceConfig", params.get("HyperParameterTuningResourceConfig", cluster))
    groups = [*resources.get("InstanceGroups", ()), *resources.get("InstanceConfigs", ())]
    groups += cluster.get("InstancePreferences", ())
    # a processing job has all of its network in one field
    around: Params = params.get("NetworkConfig", params)
    network = around.get("VpcConfig", {})
    outputs: Params = params.get("OutputDataConfig", {}) | params.get("ProcessingOutputConfig", {})
    outputs |= params.get("TransformOutput", {})
    types = [resources[name] for name in ("InstanceType",) if name in resources]
    types += [group["InstanceType"] for group in groups] + [
        params[name] for name in ("InstanceType",) if name in params
    ]
    variants = [*params.get("ProductionVariants", ()), *params.get("ShadowProductionVariants", ())]
    types += [one["InstanceType"] for one in variants if "InstanceType" in one]
    serverless = [one["ServerlessConfig"] for one in variants if "ServerlessConfig" in one]
    return {
        "sagemaker:InstanceTypes": types or None,
        "sagemaker:VpcSubnets": network.get("Subnets"),
        "sagemaker:VpcSecurityGroupIds": network.get("SecurityGroupIds"),
        "sagemaker:VolumeKmsKey": resources.get("VolumeKmsKeyId", params.get("KmsKeyId")),
        "sagemaker:OutputKmsKey": outputs.get("KmsKeyId"),
        "sagemaker:NetworkIsolation": around.get("EnableNetworkIsolation"),
        "sagemaker:InterContainerTrafficEncryption": around.get("EnableInterContainerTrafficEncryption"),
        "sagemaker:DirectInternetAccess": params.get("DirectInternetAccess"),
        "sagemaker:RootAccess": params.get("RootAccess"),
        "sagemaker:ServerlessMaxConcurrency": serverless[0]["MaxConcurrency"] if serverless else None,
        "sagemaker:ServerlessMemorySize": serverless[0]["MemorySizeInMB"] if serverless else None,
        "sagemaker:TargetModel": params.get("TargetModel"),
    }


@facts.further("sagemaker")
def _further(parsed: Parsed, own: Ask, where: Where) -> Iterator[Ask]:
    """Whatever creates also tags, and whatever creates or changes passes its role.

    A tuning job of several definitions must be allowed for each of them.
    """
    definitions = _definitions(parsed.params)
    for other in definitions[1:]:
        keys = {key: value for key, value in _keys_of(other).items() if value is not None}
        yield Ask(action=own.action, resources=own.resources, context={**own.context, **keys})
    if parsed.operation.startswith("Create") and parsed.params.get("Tags"):
        context = {**own.context, "sagemaker:TaggingAction": parsed.operation}
        yield Ask(action="sagemaker:AddTags", resources=own.resources, context=context)
    if parsed.operation.startswith(("Create", "Update")):
        roles = [one["RoleArn"] for one in definitions if one.get("RoleArn")]
        yield from (pass_role(role, _SERVICE) for role in dict.fromkeys(roles))


@facts.tags_of("sagemaker")
def _tags(arn: str, where: Where) -> Mapping[str, str]:
    try:
        tags = client("sagemaker", where.account, where.region).list_tags(ResourceArn=arn)["Tags"]
    except ClientError:  # not there, or a pattern: then it has no tags either
        return {}
    return {tag["Key"]: tag["Value"] for tag in tags}
