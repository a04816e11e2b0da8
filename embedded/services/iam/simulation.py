"""iam:SimulatePrincipalPolicy, which moto 5.2.5 does not have: clients ask whether a role will do before they use it.

Coarse: identity policies and the permissions boundary, with the context keys that the caller gives; no resource
policies, no service control policies, no organisations.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from moto.iam.models import iam_backends
from moto.utilities.utils import get_partition

from embedded.access.evaluation.decision import Question, decide, verdict
from embedded.access.own_policies import own_policies
from embedded.access.sessions import Caller
from embedded.operations import Call, Params, ServiceError, operation

_ENTITY = re.compile(r"arn:[a-z-]+:iam::(?P<account>\d{12}):(?P<kind>role|user)/(?:.*/)?(?P<name>[^/]+)")


@operation("iam", "SimulatePrincipalPolicy")
def simulate_principal_policy(call: Call, params: Params) -> Mapping[str, Any]:
    """Each action on each resource: allowed, explicitDeny or implicitDeny."""
    caller = _caller(call, params["PolicySourceArn"])
    own = own_policies(caller, call.region)
    limits = [json.loads(text) for text in params.get("PermissionsBoundaryPolicyInputList", ())]
    question = Question(
        action="",
        resource=None,
        context={
            entry["ContextKeyName"]: entry.get("ContextKeyValues", []) for entry in params.get("ContextEntries", ())
        },
        principal=caller.principal,
        account=caller.account,
        owner=caller.account,
        identity=[*own.identity, *(json.loads(text) for text in params.get("PolicyInputList", ()))],
        boundary=limits if limits else own.boundary,
    )
    results = [
        _result(replace(question, action=action, resource=resource))
        for action in params["ActionNames"]
        for resource in params.get("ResourceArns") or ["*"]
    ]
    return {"EvaluationResults": results, "IsTruncated": False}


def _caller(call: Call, arn: str) -> Caller:
    """The role or user that is asked about."""
    match = _ENTITY.fullmatch(arn)
    if match is None:
        raise ServiceError("InvalidInput", f"Invalid Entity Arn: {arn} does not clearly define entity type and name.")
    backend = iam_backends[match["account"]][get_partition(call.region)]
    is_role = match["kind"] == "role"
    known: Mapping[str, Any] = backend.roles if is_role else backend.users
    if all(item.arn != arn for item in list(known.values())):
        raise ServiceError("NoSuchEntity", f"The {match['kind']} with name {match['name']} cannot be found.", 404)
    role_arn, user_name = (arn, None) if is_role else (None, match["name"])
    return Caller(account=match["account"], principal=arn, role_arn=role_arn, user_name=user_name)


def _result(question: Question) -> dict[str, Any]:
    found: dict[str, Any] = {
        "EvalActionName": question.action,
        "EvalResourceName": question.resource,
        "MatchedStatements": [],
        "MissingContextValues": [],
    }
    if question.boundary is not None:
        limit = verdict(question.boundary, question)
        found["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": limit == "allow"}
    said = decide(question)
    decision = "allowed" if said.allowed else "explicitDeny" if said.is_explicit else "implicitDeny"
    return {**found, "EvalDecision": decision}
