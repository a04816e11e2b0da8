"""Whether a policy on a resource (topic, key, queue, function) lets a service of AWS in."""

import json
from collections.abc import Mapping
from typing import Any

from moto.kms.models import kms_backends

from embedded.access.policies import as_list, names_principal, speaks_of


def parse(document: str | Mapping[str, Any] | None) -> Mapping[str, Any]:
    """A policy document from its JSON text, or an empty one."""
    if not document:
        return {"Statement": []}
    parsed: Mapping[str, Any] = json.loads(document) if isinstance(document, str) else document
    return parsed


def lets_service_in(
    document: str | Mapping[str, Any] | None, service: str, action: str, context: Mapping[str, str] | None = None
) -> bool:
    """Whether a statement allows the action to the service principal and none denies it.

    `context` holds condition keys, `aws:SourceArn` and the like. The resource is not asked: a policy on a resource
    is about that resource.
    """
    allowed = False
    for statement in as_list(parse(document).get("Statement")):
        about = {**statement, "Resource": "*"}
        about.pop("NotResource", None)
        if not names_principal(statement, {"Service": service, "AWS": service}):
            continue
        if not speaks_of(about, action, ("*",), context or {}):
            continue
        if statement["Effect"] == "Deny":
            return False
        allowed = True
    return allowed


def key_problem(key: str | None, account: str, region: str, service: str, context: Mapping[str, str]) -> str | None:
    """Why a service cannot use the key that encrypts a topic or a queue; None when it can, or when there is no key."""
    if not key:
        return None
    if key.split("/")[-2:-1] == ["aws"] or key.startswith("alias/aws/"):
        return f"it is encrypted with the AWS managed key {key}, whose policy cannot let {service} in"
    backend = kms_backends[key.split(":")[4] if key.startswith("arn:") else account][region]
    try:
        policy = backend.keys[backend.any_id_to_key_id(key)].policy
    except Exception:
        return f"its key {key} does not exist"
    for action in ("kms:Decrypt", "kms:GenerateDataKey"):
        if not lets_service_in(policy, service, action, context):
            return f"the policy of its key {key} does not let {service} do {action}"
    return None
