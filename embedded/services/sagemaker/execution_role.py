"""The job's execution role: what the role may not do, the job cannot do."""

from typing import Any

from embedded.access import roles
from embedded.operations import ServiceError

_SERVICE = "sagemaker.amazonaws.com"
_SESSION = "SageMaker"


def check(role_arn: str, region: str) -> None:
    """The role must be there and trust SageMaker, which says so in these words."""
    try:
        roles.assume(role_arn, service=_SERVICE, session="check", region=region)
    except ServiceError:
        raise ServiceError(
            "ValidationException",
            f"Could not assume role {role_arn}. Please ensure that the role exists and allows principal "
            f"'{_SERVICE}' to assume the role.",
        ) from None


def client(role_arn: str, service: str, region: str) -> Any:
    """A client in the role's name."""
    return roles.client_as(role_arn, service=_SERVICE, session=_SESSION, api=service, region=region)


def variables(role_arn: str, region: str) -> dict[str, str]:
    """The role's credentials, for a node's environment."""
    return roles.assume(role_arn, service=_SERVICE, session=_SESSION, region=region).environment()
