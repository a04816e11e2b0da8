"""Whether the secrets of a job are there and have a value, which nobody reads but the launcher on the node."""

from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from contract import secrets
from shardyard.handlers import aws
from shardyard.spec.errors import Problem

_CURRENT = "AWSCURRENT"


def secret_problems(references: Mapping[str, str], region: str, clients: aws.Clients) -> Sequence[Problem]:
    """One problem for each variable whose secret is not there, or has no value; `rules` says what is no reference."""
    found: list[Problem] = []
    for name, text in references.items():
        try:
            secret = secrets.parse(text).secret
        except ValueError:
            continue
        if secret.startswith("arn:") and secret.split(":")[3] != region:
            # Another region's service would have to be asked
            continue
        said = _lacks(secret, clients)
        if said is not None:
            found.append(Problem(f"secrets.{name}", said))
    return found


def _lacks(secret: str, clients: aws.Clients) -> str | None:
    manager: Any = clients("secretsmanager")
    way = f"yard secret set {secret}"
    try:
        seen = manager.describe_secret(SecretId=secret)
    except ClientError as error:
        code = aws.error_code(error)
        if code not in ("ResourceNotFoundException", "AccessDeniedException"):
            raise
        if code == "AccessDeniedException" and secret.startswith("arn:"):
            # Another account's lets the job read it, and need not let preflight look at it
            return None
        # AWS denies a look at what is not there: without a secret there are no six letters behind its name
        return f"there is no secret {secret} in this account and region (make it: {way})"
    if "DeletedDate" in seen:
        return f"the secret {secret} is marked for deletion (aws secretsmanager restore-secret --secret-id {secret})"
    if not any(_CURRENT in stages for stages in seen.get("VersionIdsToStages", {}).values()):
        return f"the secret {secret} has no value (give it one: {way})"
    return None
