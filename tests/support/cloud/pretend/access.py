"""What IAM is asked for a request to this service."""

from embedded.access import facts
from embedded.access.request_resources import Params, Where


@facts.resource_of("ssm-incidents")
def _resources(action: str, params: Params, where: Where) -> list[str] | None:
    arn = params.get("arn", params.get("responsePlanArn"))
    if arn is None and "name" in params:
        arn = f"arn:{where.partition}:ssm-incidents::{where.account}:response-plan/{params['name']}"
    return None if arn is None else [arn]
