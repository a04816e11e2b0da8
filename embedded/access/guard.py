"""The guard: who may do what, before any operation runs.

Some resource policies hold always, a bucket's. Identity policies, boundaries, other resource policies and PassRole
hold while the switch is on (`POST /_yard/enforce-iam {"on": true}`); the account's root passes them, as on AWS.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from moto.core.request import Request
from moto.utilities.utils import get_partition

from embedded import protocol, status
from embedded.access import facts, principal_tags, resource_tags
from embedded.access.evaluation.decision import Document, Question, decide
from embedded.access.own_policies import Own, document_of, own_policies
from embedded.access.request_resources import Ask, Where
from embedded.access.requests import asks_of
from embedded.access.sessions import Caller
from embedded.kept import parts
from embedded.operations import Params, ServiceError, admin
from embedded.protocol import Parsed

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
    own = own_policies(caller, region) if limited else None
    with_tags = own is not None and resource_tags.are_asked_for(
        [*own.identity, *(own.boundary or ()), *(own.session or ())]
    )
    for ask in asks:
        tags = resource_tags.context(ask, where) if with_tags else {}
        _check_one(parsed, caller, ask, {**context, **tags, **ask.context}, own, where)


def _prefix(ask: Ask) -> str:
    return ask.action.split(":")[0]


def _context(caller: Caller, region: str) -> dict[str, Any]:
    principal = caller.role_arn if caller.role_arn is not None else caller.principal
    now = datetime.now(UTC)
    return {
        "aws:CurrentTime": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "aws:EpochTime": int(now.timestamp()),
        "aws:PrincipalAccount": caller.account,
        "aws:PrincipalArn": principal,
        "aws:PrincipalType": "AssumedRole" if caller.role_arn else "User" if caller.user_name else "Account",
        "aws:RequestedRegion": region,
        # the loopback stands for TLS: nobody listens there
        "aws:SecureTransport": True,
        "aws:SourceIp": "127.0.0.1",
        "aws:username": caller.user_name,
        "aws:ViaAWSService": False,
        **principal_tags.context(caller.tags),
    }


def _check_one(
    parsed: Parsed, caller: Caller, ask: Ask, context: dict[str, Any], own: Own | None, where: Where
) -> None:
    """Each resource of a request must be allowed for itself."""
    for resource in [None] if ask.resources is None else ask.resources:
        owner = where.account if resource is None else facts.find_owner(_prefix(ask), resource, where)
        question = Question(
            action=ask.action,
            resource=resource,
            context={**context, "aws:ResourceAccount": owner},
            principal=caller.principal,
            account=caller.account,
            owner=owner,
            identity=() if own is None else own.identity,
            boundary=None if own is None else own.boundary,
            session=None if own is None else own.session,
            resource_policy=_resource_policy(_prefix(ask), resource, replace(where, account=owner)),
            policy_decides=facts.policy_decides(_prefix(ask)),
            is_anonymous=caller.is_anonymous,
        )
        found = decide(question)
        if found.allowed or (not found.is_explicit and facts.is_free(ask.action)):
            continue
        # whom no policy limits, a resource's own may still deny
        if own is not None or caller.is_anonymous or (found.is_explicit and question.resource_policy is not None):
            raise _denied(parsed, caller, question, found.why)


def _denied(parsed: Parsed, caller: Caller, question: Question, why: str) -> ServiceError:
    resource = "*" if question.resource is None else question.resource
    message = f"User: {caller.principal} is not authorized to perform: {question.action} on resource: {resource} {why}"
    return protocol.denied(parsed, message)


def _resource_policy(prefix: str, resource: str | None, where: Where) -> Document | None:
    policy = None if resource is None else facts.find_policy(prefix, resource, where)
    return None if policy is None else document_of(policy)
