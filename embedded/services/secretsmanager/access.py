"""What IAM is asked for a request to this service."""

from collections.abc import Iterator
from typing import Any

from moto.secretsmanager.models import secretsmanager_backends

from embedded.access import facts
from embedded.access.request_resources import Ask, Params, Where
from embedded.protocol import Parsed

_WITH_KEY = {
    "secretsmanager:GetSecretValue": ("kms:Decrypt",),
    "secretsmanager:PutSecretValue": ("kms:GenerateDataKey", "kms:Decrypt"),
}


@facts.resource_of("secretsmanager")
def _resources(action: str, params: Params, where: Where) -> list[str] | None:
    name = params.get("SecretId", params.get("Name"))
    if name is None:
        return None
    found = _find(name, where)
    if found is not None:
        return [str(found.arn)]
    return [name if name.startswith("arn:") else where.arn("secretsmanager", f"secret:{name}-??????")]


@facts.further("secretsmanager")
def _further(parsed: Parsed, own: Ask, where: Where) -> Iterator[Ask]:
    """What a customer's key encrypts needs that key too, through Secrets Manager; its own key it uses by itself."""
    found = _find(parsed.params.get("SecretId", ""), where) if own.action in _WITH_KEY else None
    key = None if found is None else found.kms_key_id
    if found is None or not key or key == "alias/aws/secretsmanager":
        return
    context = {
        "kms:ViaService": f"secretsmanager.{where.region}.amazonaws.com",
        "kms:EncryptionContext:SecretARN": found.arn,
    }
    for name in _WITH_KEY[own.action]:
        yield Ask(action=name, resources=facts.find_resources("kms", name, {"KeyId": key}, where), context=context)


def _find(name: str, where: Where) -> Any:
    secrets = secretsmanager_backends[where.account][where.region].secrets
    return secrets[name] if name and name in secrets else None
