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


@facts.condition_keys("sagemaker")
def _keys(params: Params) -> dict[str, Any]:
    resources = params.get("ResourceConfig", {})
    groups = resources.get("InstanceGroups", ())
    network = params.get("VpcConfig", {})
    types = [resources[name] for name in ("InstanceType",) if name in resources]
    types += [group["InstanceType"] for group in groups] + [
        params[name] for name in ("InstanceType",) if name in params
    ]
    return {
        "sagemaker:InstanceTypes": types or None,
        "sagemaker:VpcSubnets": network.get("Subnets"),
        "sagemaker:VpcSecurityGroupIds": network.get("SecurityGroupIds"),
        "sagemaker:VolumeKmsKey": resources.get("VolumeKmsKeyId", params.get("KmsKeyId")),
        "sagemaker:OutputKmsKey": params.get("OutputDataConfig", {}).get("KmsKeyId"),
        "sagemaker:NetworkIsolation": params.get("EnableNetworkIsolation"),
        "sagemaker:InterContainerTrafficEncryption": params.get("EnableInterContainerTrafficEncryption"),
        "sagemaker:DirectInternetAccess": params.get("DirectInternetAccess"),
        "sagemaker:RootAccess": params.get("RootAccess"),
    }


@facts.further("sagemaker")
def _further(parsed: Parsed, own: Ask, where: Where) -> Iterator[Ask]:
    """Whatever creates also tags, and whatever creates or changes passes its role."""
    if parsed.operation.startswith("Create") and parsed.params.get("Tags"):
        context = {**own.context, "sagemaker:TaggingAction": parsed.operation}
        yield Ask(action="sagemaker:AddTags", resources=own.resources, context=context)
    if parsed.operation.startswith(("Create", "Update")) and parsed.params.get("RoleArn"):
        yield pass_role(parsed.params["RoleArn"], _SERVICE)


@facts.tags_of("sagemaker")
def _tags(arn: str, where: Where) -> Mapping[str, str]:
    try:
        tags = client("sagemaker", where.account, where.region).list_tags(ResourceArn=arn)["Tags"]
    except ClientError:  # not there, or a pattern: then it has no tags either
        return {}
    return {tag["Key"]: tag["Value"] for tag in tags}
