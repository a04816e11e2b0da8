"""Values from Secrets Manager, in the role's name. No message of this module shows one."""

import json
import os
from collections.abc import Mapping
from typing import Any

from contract import secrets

_CONNECT_SECONDS, _READ_SECONDS = 5, 10
_WITHOUT_BOTO3 = "the image has no boto3, which reads [secrets]: add it to the image's requirements.txt"


class Unreadable(Exception):
    """A secret that the same job would not read another time either; the message says why."""


def read(references: Mapping[str, secrets.Reference]) -> dict[str, str]:
    """The values of references, by name, with as few questions as there are secrets."""
    try:
        import boto3
        from botocore.config import Config
    except ImportError as error:
        raise Unreadable(_WITHOUT_BOTO3) from error
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 4},
    )
    here = os.environ.get("AWS_REGION", os.environ.get("AWS_DEFAULT_REGION"))
    texts: dict[str, str] = {}
    for secret in sorted({reference.secret for reference in references.values()}):
        region = secret.split(":")[3] if secret.startswith("arn:") else here
        texts[secret] = _text(boto3.client("secretsmanager", region_name=region, config=config), secret)
    return {name: _value(name, reference, texts[reference.secret]) for name, reference in references.items()}


def _text(client: Any, secret: str) -> str:
    from botocore.exceptions import ClientError

    try:
        answer = client.get_secret_value(SecretId=secret)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in ("ThrottlingException", "InternalServiceError", "InternalServiceErrorException"):
            raise
        raise Unreadable(f"the secret {secret} cannot be read: {error}") from error
    if "SecretString" not in answer:
        raise Unreadable(f"the secret {secret} is binary, and a variable is a text (keep it as text)")
    return str(answer["SecretString"])


def _value(name: str, reference: secrets.Reference, text: str) -> str:
    value = text if reference.key is None else _member(reference, text)
    if not value or "\0" in value:
        said = "holds a NUL letter, which no variable can" if value else "is empty"
        raise Unreadable(f"the secret {reference} for {name} {said}")
    return value


def _member(reference: secrets.Reference, text: str) -> str:
    """One member of a JSON secret. No message shows the text."""
    try:
        members = json.loads(text)
    except ValueError:
        members = None
    if not isinstance(members, dict):
        raise Unreadable(f"the secret {reference.secret} is no JSON object, so it has no key {reference.key}")
    if reference.key not in members:
        known = ", ".join(sorted(members))
        raise Unreadable(f"the secret {reference.secret} has no key {reference.key} (its keys: {known})")
    member = members[reference.key]
    return member if isinstance(member, str) else json.dumps(member)
