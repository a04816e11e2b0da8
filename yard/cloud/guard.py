"""The guard: who may do what. Identity policies, resource policies and PassRole, checked before an operation runs."""

from moto.core.request import Request

from yard.cloud.protocol import Parsed
from yard.cloud.sessions import Caller


def check(parsed: Parsed, caller: Caller, region: str, request: Request) -> None:
    """Raise the service's own error if the caller may not do this."""
