"""The guard: who may do what, before any operation runs.

Some resource policies hold always, a bucket's. Identity policies, boundaries, other resource policies and PassRole
hold while the switch is on (`POST /_yard/enforce-iam {"on": true}`); the account's root passes them, as on AWS.
"""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from moto.core.request import Request
from moto.iam.models import iam_backends
from moto.utilities.utils import get_partition

from embedded import protocol, status
from embedded.access import facts, policies, resource_tags
from embedded.access.policies import as_list
from embedded.access.request_resources import Ask, Where
from embedded.access.requests import asks_of
from embedded.access.sessions import Caller
from embedded.kept import parts
from embedded.operations import Params, ServiceError, admin
from embedded.protocol import Parsed

Document = Mapping[str, Any]

_switch = {"on": False}
parts.keep_contents("access.enforced", _switch)


@admin("enforce-iam")
def enforce(params: Params) -> dict[str, bool]:
    """Switch the identity checks on or off."""
    _switch["on"] = str(params.get("on", "true")).lower() == "true"
    return {"iam_enforced": _switch["on"]}


@status.add_facts
def _facts() -> dict[str, bool]:
    return {"iam_enforced": _switch["on"]}


def check(parsed: Parsed, caller: Caller, region: str, request: Request) -> None:
    """Raise the service's own error if the caller may not do this."""
    limited = _switch["on"] and not caller.is_root
    if not limited and not facts.policy_always_holds(facts.prefix_of(parsed.service)):
        return
    if facts.is_named_in_body(parsed.service, parsed.operation):
        parsed = protocol.with_body(request, parsed)
    where = Where(account=caller.account, region=region, partition=get_partition(region))
    asks = asks_of(parsed, caller.account, region)
    if not limited:
        asks = [ask for ask in asks if facts.policy_always_holds(_prefix(ask))]
    if caller.is_anonymous and not asks:
        raise protocol.denied(parsed, "Access Denied: no bucket's policy can open this to everybody")
    context = _context(caller, region)
    own = identity_policies(caller, region) if limited else None
    with_tags = own is not None and resource_tags.are_asked_for([*own[0], *own[1]])
    for ask in asks:
        tags = resource_tags.context(ask, where) if with_tags else {}
        _check_one(parsed, caller, ask, {**context, **tags, **ask.context}, own, where)


def _prefix(ask: Ask) -> str:
    return ask.action.split(":")[0]


def _context(caller: Caller, region: str) -> dict[str, Any]:
    principal = caller.role_arn if caller.role_arn is not None else caller.principal
    return {
        "aws:PrincipalAccount": caller.account,
        "aws:PrincipalArn": principal,
        "aws:PrincipalType": "AssumedRole" if caller.role_arn else "User" if caller.user_name else "Account",
        "aws:RequestedRegion": region,
        "aws:ResourceAccount": caller.account,
        # the loopback stands for TLS: nobody listens there
        "aws:SecureTransport": True,
        "aws:SourceIp": "127.0.0.1",
        "aws:username": caller.user_name,
        "aws:ViaAWSService": False,
    }


def _check_one(
    parsed: Parsed,
    caller: Caller,
    ask: Ask,
    context: dict[str, Any],
    own: tuple[list[Document], list[Document]] | None,
    where: Where,
) -> None:
    resource_policy = _resource_policy(ask, where)
    shared = None if resource_policy is None else _verdict([resource_policy], ask, context, {"AWS": caller.principal})
    if shared == "deny":
        raise _denied(parsed, caller, ask, "with an explicit deny in a resource-based policy")
    if caller.is_anonymous and shared is None:
        raise _denied(parsed, caller, ask, f"because no resource-based policy allows the {ask.action} action")
    if own is None or facts.is_free(ask.action):
        return
    identity, boundary = own
    verdict = _verdict(identity, ask, context)
    if verdict == "deny" or (boundary and _verdict(boundary, ask, context) == "deny"):
        raise _denied(parsed, caller, ask, "with an explicit deny in an identity-based policy")
    decides = facts.policy_decides(_prefix(ask)) and resource_policy is not None
    # a key's policy decides; identity policies count only where it says so, by naming the account's root
    if decides and shared is None and not _delegates(resource_policy, ask, context, caller):
        raise _denied(parsed, caller, ask, f"because no resource-based policy allows the {ask.action} action")
    if verdict is None and shared is None:
        raise _denied(parsed, caller, ask, f"because no identity-based policy allows the {ask.action} action")
    if boundary and _verdict(boundary, ask, context) is None:
        raise _denied(parsed, caller, ask, f"because no permissions boundary allows the {ask.action} action")


def _verdict(
    documents: Iterable[Document], ask: Ask, context: dict[str, Any], principal: dict[str, str] | None = None
) -> str | None:
    """`deny` if any statement denies, `allow` if one allows, None if none speaks of it."""
    verdict = None
    for document in documents:
        for statement in as_list(document.get("Statement")):
            if principal is not None and not _about(statement, principal):
                continue
            if not _speaks(statement, ask, context):
                continue
            if statement["Effect"] == "Deny":
                return "deny"
            verdict = "allow"
    return verdict


def _about(statement: Mapping[str, Any], principal: dict[str, str]) -> bool:
    root = principal["AWS"].endswith(":root")
    through_account = root or statement["Effect"] == "Deny"
    return policies.names_principal(statement, principal, through_account=through_account)


def _speaks(statement: Mapping[str, Any], ask: Ask, context: dict[str, Any]) -> bool:
    if ask.resources is not None:
        if statement["Effect"] == "Deny":
            # a denial of any one resource is a denial
            return any(policies.speaks_of(statement, ask.action, [item], context) for item in ask.resources)
        return policies.speaks_of(statement, ask.action, ask.resources, context)
    if statement["Effect"] == "Deny" and "*" not in as_list(statement.get("Resource", "*")):
        return False
    unbound = {key: value for key, value in statement.items() if key not in ("Resource", "NotResource")}
    return policies.speaks_of(unbound, ask.action, [], context)


def _delegates(policy: Document | None, ask: Ask, context: dict[str, Any], caller: Caller) -> bool:
    root = f"arn:{get_partition('us-east-1')}:iam::{caller.account}:root"
    named = [
        statement
        for statement in as_list((policy or {}).get("Statement"))
        if any(
            str(item) == caller.account or str(item).endswith(f":{caller.account}:root")
            for item in as_list(_aws_of(statement.get("Principal")))
        )
    ]
    return _verdict([{"Statement": named}], ask, context, {"AWS": root}) == "allow"


def _aws_of(principal: Any) -> Any:
    return principal.get("AWS") if isinstance(principal, Mapping) else None


def _denied(parsed: Parsed, caller: Caller, ask: Ask, why: str) -> ServiceError:
    resource = "*" if ask.resources is None else ", ".join(ask.resources)
    message = f"User: {caller.principal} is not authorized to perform: {ask.action} on resource: {resource} {why}"
    return protocol.denied(parsed, message)


@lru_cache(maxsize=2048)
def _parsed(text: str) -> Document:
    document: Document = json.loads(text)
    return document


def _document(policy: Any) -> Document:
    return _parsed(policy) if isinstance(policy, str) else policy


def _managed(policy: Any) -> Document:
    return _document(next(version.document for version in policy.versions if version.is_default))


def identity_policies(caller: Caller, region: str) -> tuple[list[Document], list[Document]]:
    """The caller's own policies, and its boundary's."""
    backend = iam_backends[caller.account][get_partition(region)]
    if caller.role_arn is not None:
        role = next((item for item in list(backend.roles.values()) if item.arn == caller.role_arn), None)
        if role is None:
            return [], []
        found = [_document(text) for text in role.policies.values()]
        found += [_managed(item) for item in role.managed_policies.values()]
        arn = role.permissions_boundary_arn
    elif caller.user_name is not None:
        user = backend.get_user(caller.user_name)
        groups = backend.get_groups_for_user(caller.user_name)
        found = [_document(text) for owner in (user, *groups) for text in owner.policies.values()]
        found += [_managed(item) for owner in (user, *groups) for item in owner.managed_policies.values()]
        arn = None
    else:
        return [], []
    if arn is None:
        return found, []
    boundary = backend.managed_policies.get(arn)
    # a boundary that does not exist allows nothing
    return found, [_managed(boundary) if boundary is not None else {"Statement": []}]


def _resource_policy(ask: Ask, where: Where) -> Document | None:
    if not ask.resources:
        return None
    policy = facts.find_policy(_prefix(ask), ask.resources[0], where)
    return None if policy is None else _document(policy)
