"""What IAM is asked for a request to this service."""

from typing import Any

from moto.kms.models import kms_backends

from embedded.access import facts
from embedded.access.request_resources import Params, Where


@facts.resource_of("kms")
def _resources(action: str, params: Params, where: Where) -> list[str] | None:
    key = params.get("KeyId", params.get("TargetKeyId"))
    return None if key is None else [_arn(key, where)]


def _arn(key: str, where: Where) -> str:
    """The ARN of a key, by id, ARN or alias."""
    if ":alias/" in key or key.startswith("alias/"):
        alias = key if key.startswith("alias/") else f"alias/{key.split(':alias/', 1)[1]}"
        found = kms_backends[where.account][where.region].get_key_id_from_alias(alias)
        key = found if found else alias
    return key if key.startswith("arn:") else where.arn("kms", f"key/{key}")


@facts.resource_policy("kms", decides=True)
def _policy(arn: str, where: Where) -> Any:
    if ":key/" not in arn:
        return None
    key = kms_backends[where.account][where.region].keys.get(arn.rsplit("/", 1)[-1])
    return None if key is None else key.policy
