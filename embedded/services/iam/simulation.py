"""iam:SimulatePrincipalPolicy, which moto 5.2.5 does not have: clients ask whether a role will do before they use it.

Coarse: identity policies and the permissions boundary, with the context keys that the caller gives; no resource
policies, no service control policies, no organisations.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from moto.iam.models import iam_backends
from moto.utilities.utils import get_partition

from embedded.access import guard
from embedded.access.policies import as_list, speaks_of
from embedded.access.sessions import Caller
from embedded.operations import Call, Params, ServiceError, operation

_ENTITY = re.compile(r"arn:[a-z-]+:iam::(?P<account>\d{12}):(?P<kind>role|user)/(?:.*/)?(?P<name>[^/]+)")
_DECISIONS = {"allow": "allowed", "deny": "explicitDeny", None: "implicitDeny"}


@operation("iam", "SimulatePrincipalPolicy")
def simulate_principal_policy(call: Call, params: Params) -> Mapping[str, Any]:
    """Each action on each resource: allowed, explicitDeny or implicitDeny."""
    own, boundary = guard.identity_policies(_caller(call, params["PolicySourceArn"]), call.region)
    own = [*own, *(json.loads(text) for text in params.get("PolicyInputList", ()))]
    if params.get("PermissionsBoundaryPolicyInputList"):
        boundary = [json.loads(text) for text in params["PermissionsBoundaryPolicyInputList"]]
    context = {entry["ContextKeyName"]: entry.get("ContextKeyValues", []) for entry in params.get("ContextEntries", ())}
    results = [
        _result(action, resource, own, boundary, context)
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


def _result(
    action: str, resource: str, own: list[Any], boundary: list[Any], context: Mapping[str, Any]
) -> dict[str, Any]:
    verdict = _verdict(own, action, resource, context)
    found: dict[str, Any] = {
        "EvalActionName": action,
        "EvalResourceName": resource,
        "MatchedStatements": [],
        "MissingContextValues": [],
    }
    if boundary:
        limit = _verdict(boundary, action, resource, context)
        found["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": limit == "allow"}
        if "deny" in (verdict, limit):
            verdict = "deny"
        elif limit is None:
            verdict = None
    return {**found, "EvalDecision": _DECISIONS[verdict]}


def _verdict(documents: list[Any], action: str, resource: str, context: Mapping[str, Any]) -> str | None:
    verdict = None
    for document in documents:
        for statement in as_list(document.get("Statement")):
            if speaks_of(statement, action, [resource], context):
                if statement["Effect"] == "Deny":
                    return "deny"
                verdict = "allow"
    return verdict
