"""What a request to SageMaker names must be there; moto takes it unseen."""

from collections.abc import Iterable

from embedded.access import references
from embedded.operations import Call, ServiceError


def check_network(call: Call, subnets: Iterable[str], groups: Iterable[str]) -> None:
    """Subnets and security groups must be there, in SageMaker's words."""
    error = references.first_missing(call, {"subnet": subnets, "security group": groups})
    if error is not None:
        raise ServiceError("ValidationException", error.message)
