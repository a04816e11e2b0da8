"""Bucket policies, kept here rather than in moto: moto applies them but leaves their conditions out.

A policy that denies requests without TLS, as every bucket of ours has, would so deny every request to a cloud that
speaks plain HTTP. Here it is kept and answered word for word; what it allows a service to deliver is asked for by
whoever delivers.
"""

import json

from moto.s3.models import s3_backends
from moto.utilities.utils import get_partition

from yard.cloud.registry import Call, Params, ServiceError, operation

_policies: dict[tuple[str, str], str] = {}


def policy_of(account: str, bucket: str) -> str | None:
    """The policy of a bucket, or None."""
    return _policies.get((account, bucket))


@operation("s3", "PutBucketPolicy")
def put_bucket_policy(call: Call, params: Params) -> Params:
    """Keep a policy, if it is one."""
    bucket, text = _existing(call, params), _text(params["Policy"])
    try:
        statements = json.loads(text)["Statement"]
    except (ValueError, KeyError, TypeError):
        raise ServiceError("MalformedPolicy", "Policies must be valid JSON and have a Statement") from None
    if not statements:
        raise ServiceError("MalformedPolicy", "Policies must have at least one statement")
    _policies[call.account, bucket] = text
    return {}


@operation("s3", "GetBucketPolicy")
def get_bucket_policy(call: Call, params: Params) -> Params:
    """Answer a policy as it was put."""
    text = _policies.get((call.account, _existing(call, params)))
    if text is None:
        raise ServiceError("NoSuchBucketPolicy", "The bucket policy does not exist", 404)
    return {"Policy": text}


@operation("s3", "DeleteBucketPolicy")
def delete_bucket_policy(call: Call, params: Params) -> Params:
    """Forget a policy; there need not be one."""
    _policies.pop((call.account, _existing(call, params)), None)
    return {}


def _existing(call: Call, params: Params) -> str:
    bucket = str(params["Bucket"])
    if bucket not in s3_backends[call.account][get_partition(call.region)].buckets:
        _policies.pop((call.account, bucket), None)
        raise ServiceError("NoSuchBucket", "The specified bucket does not exist", 404)
    return bucket


def _text(policy: str | bytes) -> str:
    return policy.decode() if isinstance(policy, bytes) else policy
