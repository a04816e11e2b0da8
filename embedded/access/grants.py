"""Whether a policy on a resource (topic, key, queue, function) lets a service of AWS in."""

import json
from collections.abc import Mapping
from typing import Any

from moto.utilities.utils import get_partition

from embedded.access import facts
from embedded.access.evaluation.conditions import as_list
from embedded.access.evaluation.policies import names_principal, speaks_of
from embedded.access.request_resources import Where


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
    """Why a service cannot use the key that encrypts a topic or a queue; None when it can, or when there is no key.

    Every service encrypts with KMS, so its actions are named here; the key itself is KMS's to find.
    """
    if not key:
        return None
    if key.split("/")[-2:-1] == ["aws"] or key.startswith("alias/aws/"):
        return f"it is encrypted with the AWS managed key {key}, whose policy cannot let {service} in"
    owner = key.split(":")[4] if key.startswith("arn:") else account
    where = Where(account=owner, region=region, partition=get_partition(region))
    arns = facts.find_resources("kms", "kms:Decrypt", {"KeyId": key}, where)
    policy = facts.find_policy("kms", arns[0], where) if arns else None
    if policy is None:
        return f"its key {key} does not exist"
    for action in ("kms:Decrypt", "kms:GenerateDataKey"):
        if not lets_service_in(policy, service, action, context):
            return f"the policy of its key {key} does not let {service} do {action}"
    return None
