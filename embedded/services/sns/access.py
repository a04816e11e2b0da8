"""What IAM is asked for a request to this service."""

from typing import Any

from moto.sns.models import sns_backends

from embedded.access import facts
from embedded.access.request_resources import Params, Where


@facts.resource_of("sns")
def _resources(action: str, params: Params, where: Where) -> list[str] | None:
    for name in ("TopicArn", "ResourceArn", "TargetArn"):
        if name in params:
            return [params[name]]
    if "SubscriptionArn" in params:
        return [params["SubscriptionArn"].rsplit(":", 1)[0]]
    return [where.arn("sns", params["Name"])] if "Name" in params else None


@facts.resource_policy("sns")
def _policy(arn: str, where: Where) -> Any:
    topic = sns_backends[where.account][where.region].topics.get(arn)
    return None if topic is None else topic.policy
