"""What IAM is asked for a request to this service."""

from collections.abc import Iterator
from typing import Any

from moto.s3.models import s3_backends

from embedded.access import facts
from embedded.access.request_resources import Ask, Params, Where
from embedded.protocol import Parsed

_ACTIONS = {
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
_ENCRYPTED = frozenset({"s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"})
_VERSIONED = frozenset({"GetObject", "DeleteObject", "GetObjectTagging", "GetObjectAcl"})

facts.named_in_body("s3", "DeleteObjects")


@facts.action_name("s3")
def _action(operation: str, params: Params) -> str:
    name = _ACTIONS.get(operation, operation)
    return f"{name}Version" if name in _VERSIONED and params.get("VersionId") else name


@facts.resource_of("s3")
def _resources(action: str, params: Params, where: Where) -> list[str] | None:
    if "Bucket" not in params:
        return ["*"]
    bucket = f"arn:{where.partition}:s3:::{params['Bucket']}"
    if action.startswith("s3:DeleteObject") and "Delete" in params:
        return [f"{bucket}/{item['Key']}" for item in params["Delete"]["Objects"]]
    return [f"{bucket}/{params['Key']}"] if "Key" in params else [bucket]


@facts.condition_keys("s3")
def _keys(params: Params) -> dict[str, Any]:
    return {
        "s3:prefix": params.get("Prefix", ""),
        "s3:delimiter": params.get("Delimiter"),
        "s3:x-amz-server-side-encryption": params.get("ServerSideEncryption"),
    }


@facts.resource_policy("s3", always=True)
def _policy(arn: str, where: Where) -> Any:
    found = None if arn == "*" else _find(arn.split(":::", 1)[-1].split("/", 1)[0])
    return found[1].policy.decode() if found is not None and found[1].policy else None


@facts.owner_of("s3")
def _owner(arn: str) -> str | None:
    found = _find(arn.split(":::", 1)[-1].split("/", 1)[0])
    return None if found is None else found[0]


def _find(bucket: str) -> tuple[str, Any] | None:
    """A bucket and its owner's account: names are unique across accounts and regions."""
    for account, backends in list(s3_backends.items()):
        for backend in list(backends.values()):
            if bucket in backend.buckets:
                return account, backend.buckets[bucket]
    return None


@facts.further("s3")
def _further(parsed: Parsed, own: Ask, where: Where) -> Iterator[Ask]:
    """A copy reads its source; and what is encrypted with a customer's key needs that key too, through S3."""
    source = parsed.params.get("CopySource")
    if source:
        text = source if isinstance(source, str) else f"{source['Bucket']}/{source['Key']}"
        key = text.split("?", 1)[0].lstrip("/")
        yield Ask(action="s3:GetObject", resources=[f"arn:{where.partition}:s3:::{key}"])
    found = _find(parsed.params.get("Bucket", "")) if own.action in _ENCRYPTED else None
    if found is not None:
        yield from _uses_of_key(parsed, own.action, where, *found)


def _uses_of_key(parsed: Parsed, action: str, where: Where, owner: str, bucket: Any) -> Iterator[Ask]:
    key = parsed.params.get("SSEKMSKeyId")
    key = _default_key(bucket.encryption) if key is None else key
    if key is None:
        return
    needed = ["kms:GenerateDataKey"] if action == "s3:PutObject" else ["kms:Decrypt"]
    if parsed.operation in ("UploadPart", "CompleteMultipartUpload"):
        needed.append("kms:Decrypt")
    context = {"kms:ViaService": f"s3.{where.region}.amazonaws.com", "kms:CallerAccount": owner}
    place = Where(account=owner, region=where.region, partition=where.partition)
    for name in needed:
        yield Ask(action=name, resources=facts.find_resources("kms", name, {"KeyId": key}, place), context=context)


def _default_key(encryption: Any) -> str | None:
    if not encryption:
        return None
    rule = encryption.get("Rule", {})
    default = (rule[0] if isinstance(rule, list) else rule).get("ApplyServerSideEncryptionByDefault", {})
    key = default.get("KMSMasterKeyID")
    return str(key) if key else None
