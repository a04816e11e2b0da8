"""What IAM is asked for a request to this service."""

from typing import Any

from embedded.access import facts
from embedded.access.request_resources import Params, Where


@facts.resource_of("cloudwatch")
def _resources(action: str, params: Params, where: Where) -> list[str] | None:
    if "ResourceARN" in params:
        return [params["ResourceARN"]]
    names = params.get("AlarmNames", [params["AlarmName"]] if "AlarmName" in params else [])
    if names:
        return [where.arn("cloudwatch", f"alarm:{name}") for name in names]
    boards = params.get("DashboardNames", [params["DashboardName"]] if "DashboardName" in params else [])
    return [f"arn:{where.partition}:cloudwatch::{where.account}:dashboard/{name}" for name in boards] or None


@facts.condition_keys("cloudwatch")
def _keys(params: Params) -> dict[str, Any]:
    return {"cloudwatch:namespace": params.get("Namespace")}
