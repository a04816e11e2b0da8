"""What IAM is asked for a request to this service."""

from embedded.access import facts
from embedded.access.request_resources import Params, Where


@facts.resource_of("sqs")
def _resources(action: str, params: Params, where: Where) -> list[str] | None:
    name = params.get("QueueName", str(params.get("QueueUrl", "")).rsplit("/", 1)[-1])
    return [where.arn("sqs", name)] if name else None
