"""What IAM is asked for a request to this service."""

from typing import Any

from moto.s3.models import s3_backends

from embedded.access import facts
from embedded.access.request_resources import Params, Where


@facts.resource_of("s3")
def _resources(action: str, params: Params, where: Where) -> list[str] | None:
    if "Bucket" not in params:
        return ["*"]
    bucket = f"arn:{where.partition}:s3:::{params['Bucket']}"
    if action.startswith("s3:DeleteObject") and "Delete" in params:
        return [f"{bucket}/{item['Key']}" for item in params["Delete"]["Objects"]]
    return [f"{bucket}/{params['Key']}"] if "Key" in params else [bucket]


@facts.resource_policy("s3")
def _policy(arn: str, where: Where) -> Any:
    if arn == "*":
        return None
    name = arn.split(":::", 1)[-1].split("/", 1)[0]
    for backends in list(s3_backends.values()):
        for backend in list(backends.values()):
            bucket = backend.buckets.get(name)
            if bucket is not None:
                return bucket.policy.decode() if bucket.policy else None
    return None
