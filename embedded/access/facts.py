"""What each service tells of itself, for IAM: it registers from its own folder, and the guard asks here.

A service is known by botocore's name (`stepfunctions`), and its actions by their prefix (`states`).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from embedded.access.request_resources import Ask, Params, Where
from embedded.protocol import Parsed

Finder = Callable[[str, Params, Where], list[str] | None]
PolicyOf = Callable[[str, Where], Any]
ActionName = Callable[[str, Params], str]
Keys = Callable[[Params], Mapping[str, Any]]
Further = Callable[[Parsed, Ask, Where], Iterable[Ask]]
TagsOf = Callable[[str, Where], Mapping[str, str]]
OwnerOf = Callable[[str], str | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourcePolicy:
    """How the policies that stand on a service's own resources are found, and how they count."""

    find: PolicyOf
    always: bool
    """It holds for the account's root too, and while identity policies are not enforced."""

    decides: bool
    """Identity policies count only where it names the account's root."""


_ACCOUNT = re.compile(r"\d{12}")

_prefixes = {"resourcegroupstaggingapi": "tag"}
"""Of a service that has no folder here: moto alone answers it."""
_action_names: dict[str, ActionName] = {}
_finders: dict[str, Finder] = {}
_keys: dict[str, Keys] = {}
_further: dict[str, Further] = {}
_policies: dict[str, ResourcePolicy] = {}
_tags: dict[str, TagsOf] = {}
_owners: dict[str, OwnerOf] = {}
_tagged_by: dict[str, str] = {}
_passed: dict[str, tuple[str, str]] = {}
_free: set[str] = set()
_in_body: set[tuple[str, str]] = set()


def actions_begin(service: str, prefix: str) -> None:
    """Say that a service's actions begin otherwise than botocore calls the service."""
    _prefixes[service] = prefix


def action_name(prefix: str) -> Callable[[ActionName], ActionName]:
    """Register what names the action of an operation, without the prefix: by the operation and its parameters."""

    def register(function: ActionName) -> ActionName:
        _action_names[prefix] = function
        return function

    return register


def resource_of(prefix: str) -> Callable[[Finder], Finder]:
    """Register what finds the ARNs of a request: by action, parameters and place; under the actions' prefix."""

    def register(function: Finder) -> Finder:
        _finders[prefix] = function
        return function

    return register


def condition_keys(prefix: str) -> Callable[[Keys], Keys]:
    """Register what reads the service's own condition keys out of the parameters; None for one that is not given."""

    def register(function: Keys) -> Keys:
        _keys[prefix] = function
        return function

    return register


def further(prefix: str) -> Callable[[Further], Further]:
    """Register what else a request needs beside its own action: by the request, its own `Ask` and the place."""

    def register(function: Further) -> Further:
        _further[prefix] = function
        return function

    return register


def resource_policy(prefix: str, *, always: bool = False, decides: bool = False) -> Callable[[PolicyOf], PolicyOf]:
    """Register what finds a resource's own policy, a document or its text; None where there is none."""

    def register(function: PolicyOf) -> PolicyOf:
        _policies[prefix] = ResourcePolicy(find=function, always=always, decides=decides)
        return function

    return register


def tags_of(prefix: str) -> Callable[[TagsOf], TagsOf]:
    """Register what finds the tags of a resource by its ARN, for `aws:ResourceTag`."""

    def register(function: TagsOf) -> TagsOf:
        _tags[prefix] = function
        return function

    return register


def owner_of(prefix: str) -> Callable[[OwnerOf], OwnerOf]:
    """Register what finds the account of a resource whose ARN does not name it; None for one that is not there."""

    def register(function: OwnerOf) -> OwnerOf:
        _owners[prefix] = function
        return function

    return register


def tagged_by(action: str, tagging: str) -> None:
    """Say that tags given to this action need the permission for another one."""
    _tagged_by[action] = tagging


def passes_role(action: str, parameter: str, service: str) -> None:
    """Say that an action hands the role in a parameter to a service."""
    _passed[action] = (parameter, service)


def needs_no_policy(*actions: str) -> None:
    """Say that anyone may do this, whatever the identity policies say, if nothing else forbids it."""
    _free.update(actions)


def named_in_body(service: str, operation: str) -> None:
    """Say that a request to a streamed service names its resources in its body, which must be read for IAM."""
    _in_body.add((service, operation))


def prefixes() -> list[str]:
    """The prefixes of all services that find the resources of their requests, in order."""
    return sorted(_finders)


def prefix_of(service: str) -> str:
    """How a service's actions begin."""
    return _prefixes.get(service, service)


def find_action(service: str, operation: str, params: Params) -> str:
    """The IAM action of an operation: mostly its own name, with the exceptions that each service has."""
    prefix = prefix_of(service)
    name = _action_names.get(prefix)
    return f"{prefix}:{operation if name is None else name(operation, params)}"


def find_resources(prefix: str, action: str, params: Params, where: Where) -> list[str] | None:
    """The ARNs that a request is about, or None where it or its service does not tell."""
    finder = _finders.get(prefix)
    return None if finder is None else finder(action, params, where)


def find_keys(prefix: str, params: Params) -> Mapping[str, Any]:
    """The service's condition keys that a request gives."""
    reader = _keys.get(prefix)
    return {} if reader is None else {key: value for key, value in reader(params).items() if value is not None}


def find_further(prefix: str, parsed: Parsed, own: Ask, where: Where) -> Iterable[Ask]:
    """What else a request needs."""
    finder = _further.get(prefix)
    return () if finder is None else finder(parsed, own, where)


def find_policy(prefix: str, arn: str, where: Where) -> Any:
    """The policy of the resource itself, or None."""
    found = _policies.get(prefix)
    return None if found is None else found.find(arn, where)


def policy_always_holds(prefix: str) -> bool:
    """Whether the policies of such resources bind the root too, with identity policies enforced or not."""
    return prefix in _policies and _policies[prefix].always


def policy_decides(prefix: str) -> bool:
    """Whether identity policies count only where the resource's policy says so."""
    return prefix in _policies and _policies[prefix].decides


def find_tags(prefix: str, arn: str, where: Where) -> Mapping[str, str]:
    """The tags of a resource; none where its service does not tell."""
    finder = _tags.get(prefix)
    return {} if finder is None else finder(arn, where)


def find_owner(prefix: str, arn: str, where: Where) -> str:
    """The account of a resource: the one that its ARN names, or that its service tells; else the caller's."""
    finder = _owners.get(prefix)
    parts = arn.split(":", 5)
    named = parts[4] if len(parts) > 4 else ""
    if _ACCOUNT.fullmatch(named):
        return named
    found = None if finder is None else finder(arn)
    return where.account if found is None else found


def find_tagging(action: str) -> str | None:
    """The action that tagging at creation needs, or None."""
    return _tagged_by.get(action)


def find_passed(action: str) -> tuple[str, str] | None:
    """The parameter with the role, and the service that it is handed to; None for an action that passes none."""
    return _passed.get(action)


def is_free(action: str) -> bool:
    """Whether no identity policy is needed."""
    return action in _free


def is_named_in_body(service: str, operation: str) -> bool:
    """Whether the resources are known only with the request's body."""
    return (service, operation) in _in_body
