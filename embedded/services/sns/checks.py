"""What SNS looks at before anything else, and moto does not."""

from embedded.operations import Call, Params, ServiceError, check

_ARN_PARTS = 6


@check(
    "sns",
    "AddPermission",
    "DeleteTopic",
    "GetTopicAttributes",
    "ListSubscriptionsByTopic",
    "PublishBatch",
    "RemovePermission",
    "SetTopicAttributes",
    "Subscribe",
)
def topic_is_named_by_its_arn(call: Call, params: Params) -> None:
    """A topic's name alone is none."""
    parts = len(str(params["TopicArn"]).split(":"))
    if parts < _ARN_PARTS:
        why = f"An ARN must have at least {_ARN_PARTS} elements, not {parts}"
        raise ServiceError("InvalidParameter", f"Invalid parameter: TopicArn Reason: {why}")
