"""What IAM is asked for a request to this service."""

from typing import Any

from moto.kms.models import kms_backends

from embedded.access import facts
from embedded.access.request_resources import Params, Where, key_arn


@facts.resource_of("kms")
def _resources(action: str, params: Params, where: Where) -> list[str] | None:
    key = params.get("KeyId", params.get("TargetKeyId"))
    return None if key is None else [key_arn(key, where)]


@facts.resource_policy("kms")
def _policy(arn: str, where: Where) -> Any:
    if ":key/" not in arn:
        return None
    key = kms_backends[where.account][where.region].keys.get(arn.rsplit("/", 1)[-1])
    return None if key is None else key.policy
