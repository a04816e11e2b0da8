"""What each service tells of itself, for IAM: it registers from its own folder, and the guard asks here."""

from collections.abc import Callable
from typing import Any

from embedded.access.request_resources import Params, Where

Finder = Callable[[str, Params, Where], list[str] | None]
PolicyOf = Callable[[str, Where], Any]

_finders: dict[str, Finder] = {}
_policies: dict[str, PolicyOf] = {}
_tagged_by: dict[str, str] = {}
_passed: dict[str, tuple[str, str]] = {}


def resource_of(prefix: str) -> Callable[[Finder], Finder]:
    """Register what finds the ARNs of a request: by action, parameters and place; under the actions' prefix."""

    def register(function: Finder) -> Finder:
        _finders[prefix] = function
        return function

    return register


def resource_policy(prefix: str) -> Callable[[PolicyOf], PolicyOf]:
    """Register what finds a resource's own policy, a document or its text; None where there is none."""

    def register(function: PolicyOf) -> PolicyOf:
        _policies[prefix] = function
        return function

    return register


def tagged_by(action: str, tagging: str) -> None:
    """Say that tags given to this action need the permission for another one."""
    _tagged_by[action] = tagging


def passes_role(action: str, parameter: str, service: str) -> None:
    """Say that an action hands the role in a parameter to a service."""
    _passed[action] = (parameter, service)


def find_resources(prefix: str, action: str, params: Params, where: Where) -> list[str] | None:
    """The ARNs that a request is about, or None where it or its service does not tell."""
    finder = _finders.get(prefix)
    return None if finder is None else finder(action, params, where)


def find_policy(prefix: str, arn: str, where: Where) -> Any:
    """The policy of the resource itself, or None."""
    finder = _policies.get(prefix)
    return None if finder is None else finder(arn, where)


def find_tagging(action: str) -> str | None:
    """The action that tagging at creation needs, or None."""
    return _tagged_by.get(action)


def find_passed(action: str) -> tuple[str, str] | None:
    """The parameter with the role, and the service that it is handed to; None for an action that passes none."""
    return _passed.get(action)


@resource_of("sts")
def _sts(action: str, params: Params, where: Where) -> list[str] | None:
    return [params["RoleArn"]] if "RoleArn" in params else None


passes_role("ec2:CreateFlowLogs", "DeliverLogsPermissionArn", "vpc-flow-logs.amazonaws.com")
passes_role("sagemaker:CreateModel", "ExecutionRoleArn", "sagemaker.amazonaws.com")
