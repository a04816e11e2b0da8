"""What IAM is asked for a request to this service."""

from embedded.access import facts
from embedded.access.request_resources import Params, Where


@facts.resource_of("logs")
def _resources(action: str, params: Params, where: Where) -> list[str] | None:
    for name in ("resourceArn", "logGroupArn", "logGroupIdentifier"):
        if str(params.get(name, "")).startswith("arn:"):
            group = params[name].removesuffix(":*")
            return [f"{group}:log-stream:{params.get('logStreamName', '')}"]
    group = params.get("logGroupName", params.get("logGroupIdentifier", ""))
    # the service writes both names, even if they are empty: a policy without `:*` at its end does not match
    return [where.arn("logs", f"log-group:{group}:log-stream:{params.get('logStreamName', '')}")]


facts.tagged_by("logs:CreateLogGroup", "logs:TagResource")
