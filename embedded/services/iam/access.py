"""What IAM is asked for a request to this service."""

from typing import Any

from moto.iam.models import iam_backends

from embedded.access import facts
from embedded.access.request_resources import Params, Where


@facts.resource_of("iam")
def _resources(action: str, params: Params, where: Where) -> list[str] | None:
    backend = iam_backends[where.account][where.partition]
    if "RoleName" in params:
        path = params.get("Path", "/")
        known = next((role for role in list(backend.roles.values()) if role.name == params["RoleName"]), None)
        return [known.arn if known else f"arn:{where.partition}:iam::{where.account}:role{path}{params['RoleName']}"]
    if "PolicyArn" in params:
        return [params["PolicyArn"]]
    for kind in ("Policy", "User", "Group", "InstanceProfile"):
        if f"{kind}Name" in params:
            word = {"InstanceProfile": "instance-profile"}.get(kind, kind.lower())
            return [
                f"arn:{where.partition}:iam::{where.account}:{word}{params.get('Path', '/')}{params[f'{kind}Name']}"
            ]
    return None


@facts.condition_keys("iam")
def _keys(params: Params) -> dict[str, Any]:
    return {
        "iam:AWSServiceName": params.get("AWSServiceName"),
        "iam:PermissionsBoundary": params.get("PermissionsBoundary"),
        "iam:PolicyARN": params.get("PolicyArn"),
    }


facts.tagged_by("iam:CreatePolicy", "iam:TagPolicy")
facts.tagged_by("iam:CreateRole", "iam:TagRole")
