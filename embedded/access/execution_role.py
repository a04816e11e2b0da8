"""The job's execution role: what the role may not do, the job cannot do."""

from typing import Any

from embedded import references
from embedded.access import roles

_SERVICE = "sagemaker.amazonaws.com"
_SESSION = "SageMaker"


def check(role_arn: str, region: str) -> None:
    """The role must be there and trust SageMaker."""
    references.check_role(role_arn, _SERVICE, region)


def client(role_arn: str, service: str, region: str) -> Any:
    """A client in the role's name."""
    return roles.client_as(role_arn, service=_SERVICE, session=_SESSION, api=service, region=region)


def variables(role_arn: str, region: str) -> dict[str, str]:
    """The role's credentials, for a node's environment."""
    return roles.assume(role_arn, service=_SERVICE, session=_SESSION, region=region).environment()
