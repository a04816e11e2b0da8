"""What a request asks of IAM: its actions, each on its resources, and what is known for conditions."""

from dataclasses import dataclass, field
from typing import Any

from moto.utilities.utils import get_partition

from embedded.access import facts
from embedded.access.iam_actions import resource_types
from embedded.access.request_resources import Where, sagemaker_resources
from embedded.protocol import Parsed

Resources = list[str] | None
"""ARNs, or None where the request does not tell: then a policy's Resource element is taken as matching."""

_PREFIX = {"resourcegroupstaggingapi": "tag", "sagemaker-metrics": "sagemaker", "sagemaker-runtime": "sagemaker"}
_PREFIX |= {"service-quotas": "servicequotas", "stepfunctions": "states"}

_S3_ACTIONS = {
    "CompleteMultipartUpload": "PutObject",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeleteObjects": "DeleteObject",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketLifecycle": "GetLifecycleConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetObjectAttributes": "GetObject",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListBuckets": "ListAllMyBuckets",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListParts": "ListMultipartUploadParts",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
}
_VERSIONED = frozenset({"GetObject", "DeleteObject", "GetObjectTagging", "GetObjectAcl"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """One action on some resources."""

    action: str
    resources: Resources
    context: dict[str, Any] = field(default_factory=dict)
    """Condition keys that this action has beyond the request's own."""


def asks_of(parsed: Parsed, account: str, region: str) -> list[Ask]:
    """Everything that the caller must be allowed for this request."""
    where = Where(account=account, region=region, partition=get_partition(region))
    action = action_of(parsed)
    resources, keys = _resources(action, parsed.params, where), _keys(action, parsed.params)
    found = [Ask(action=action, resources=resources, context=keys)]
    found += _copies(parsed, where)
    found += _tags(action, parsed.params, resources)
    found += _passed_roles(action, parsed.params)
    return found


def action_of(parsed: Parsed) -> str:
    """The IAM action of an operation: mostly its own name, with the exceptions that each service has."""
    prefix, name = _PREFIX.get(parsed.service, parsed.service), parsed.operation
    if prefix == "s3":
        name = _S3_ACTIONS.get(name, name)
        return f"s3:{name}Version" if name in _VERSIONED and parsed.params.get("VersionId") else f"s3:{name}"
    if prefix == "lambda":
        return f"lambda:{'InvokeFunction' if name in ('Invoke', 'InvokeAsync') else name}"
    if prefix == "budgets":
        return f"budgets:{'ViewBudget' if name.startswith('Describe') else 'ModifyBudget'}"
    return f"{prefix}:{name}"


def _resources(action: str, params: dict[str, Any], where: Where) -> Resources:
    types = resource_types(action)
    if types == ():
        return ["*"]
    prefix = action.split(":")[0]
    if prefix == "sagemaker":
        return sagemaker_resources(types or (), params, where)
    return facts.find_resources(prefix, action, params, where)


def _keys(action: str, params: dict[str, Any]) -> dict[str, Any]:
    """The condition keys that the service reads out of the request."""
    prefix = action.split(":")[0]
    keys: dict[str, Any] = {}
    if prefix == "s3":
        keys = {"s3:prefix": params.get("Prefix", ""), "s3:delimiter": params.get("Delimiter")}
        keys["s3:x-amz-server-side-encryption"] = params.get("ServerSideEncryption")
    elif prefix == "cloudwatch":
        keys = {"cloudwatch:namespace": params.get("Namespace")}
    elif prefix == "sagemaker":
        keys = _sagemaker_keys(params)
    elif prefix == "iam":
        keys = {"iam:AWSServiceName": params.get("AWSServiceName"), "iam:PolicyARN": params.get("PolicyArn")}
        keys["iam:PermissionsBoundary"] = params.get("PermissionsBoundary")
    tags = params.get("Tags", params.get("tags"))
    pairs = list(tags.items()) if isinstance(tags, dict) else [_pair(item) for item in tags or ()]
    keys |= {f"aws:RequestTag/{key}": value for key, value in pairs}
    if pairs:
        keys["aws:TagKeys"] = [key for key, _ in pairs]
    return {key: value for key, value in keys.items() if value is not None}


def _pair(tag: dict[str, str]) -> tuple[str, str]:
    return tag.get("Key", tag.get("key", "")), tag.get("Value", tag.get("value", ""))


def _sagemaker_keys(params: dict[str, Any]) -> dict[str, Any]:
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


def _copies(parsed: Parsed, where: Where) -> list[Ask]:
    """A copy reads its source."""
    source = parsed.params.get("CopySource")
    if parsed.service != "s3" or not source:
        return []
    text = source if isinstance(source, str) else f"{source['Bucket']}/{source['Key']}"
    key = text.split("?", 1)[0].lstrip("/")
    return [Ask(action="s3:GetObject", resources=[f"arn:{where.partition}:s3:::{key}"])]


def _tags(action: str, params: dict[str, Any], resources: Resources) -> list[Ask]:
    """Tagging at creation needs the permission to tag."""
    if not (params.get("Tags") or params.get("tags")):
        return []
    prefix, name = action.split(":")
    tagging = "sagemaker:AddTags" if prefix == "sagemaker" and name.startswith("Create") else facts.find_tagging(action)
    keys = _keys(action, params) | ({"sagemaker:TaggingAction": name} if prefix == "sagemaker" else {})
    return [] if tagging is None else [Ask(action=tagging, resources=resources, context=keys)]


def _passed_roles(action: str, params: dict[str, Any]) -> list[Ask]:
    """Handing a role to a service needs the permission to pass it to that service."""
    prefix, name = action.split(":")
    passed = facts.find_passed(action)
    parameter, service = ("RoleArn", f"{prefix}.amazonaws.com") if passed is None else passed
    roles = []
    if passed is not None or (prefix == "sagemaker" and name.startswith(("Create", "Update"))):
        roles = [params[parameter]] if params.get(parameter) else []
    if action == "events:PutTargets":
        service = "events.amazonaws.com"
        roles = [item["RoleArn"] for item in params.get("Targets", ()) if item.get("RoleArn")]
    return [Ask(action="iam:PassRole", resources=[role], context={"iam:PassedToService": service}) for role in roles]
