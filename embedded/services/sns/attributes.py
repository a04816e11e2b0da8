"""GetTopicAttributes: the delivery policy in the service's form, which moto 5.2.5 gives in that of a subscription."""

import json
from typing import Any

from moto.sns.models import sns_backends

from embedded.moto_errors import as_service_errors
from embedded.operations import Call, Params, operation

_RETRIES = {
    "minDelayTarget": 20,
    "maxDelayTarget": 20,
    "numRetries": 3,
    "numMaxDelayRetries": 0,
    "numNoDelayRetries": 0,
    "numMinDelayRetries": 0,
    "backoffFunction": "linear",
}
_HTTP: dict[str, Any] = {
    "defaultHealthyRetryPolicy": _RETRIES,
    "disableSubscriptionOverrides": False,
    "defaultRequestPolicy": {"headerContentType": "text/plain; charset=UTF-8"},
}
"""What holds for a topic that has no delivery policy: recorded for 30 topics, 2022 to 2025."""


@operation("sns", "GetTopicAttributes")
def get_topic_attributes(call: Call, params: Params) -> dict[str, Any]:
    """A topic's attributes; of a delivery policy that was not given only what holds instead."""
    with as_service_errors():
        topic = sns_backends[call.account][call.region].get_topic(params["TopicArn"])
    found = {
        "Owner": topic.account_id,
        "Policy": topic.policy,
        "TopicArn": topic.arn,
        "DisplayName": topic.display_name,
        "SubscriptionsPending": str(topic.subscriptions_pending),
        "SubscriptionsConfirmed": str(topic.subscriptions_confimed),
        "SubscriptionsDeleted": str(topic.subscriptions_deleted),
        "EffectiveDeliveryPolicy": json.dumps({"http": _http(topic.delivery_policy)}),
    }
    if topic.delivery_policy:
        found["DeliveryPolicy"] = topic.delivery_policy
    if topic.kms_master_key_id:
        found["KmsMasterKeyId"] = topic.kms_master_key_id
    if topic.fifo_topic:
        found["FifoTopic"] = _text(topic.fifo_topic)
        found["ContentBasedDeduplication"] = _text(topic.content_based_deduplication)
    return {"Attributes": found}


def _http(policy: str) -> dict[str, Any]:
    given = json.loads(policy).get("http", {}) if policy else {}
    return {**_HTTP, **given, "defaultHealthyRetryPolicy": {**_RETRIES, **given.get("defaultHealthyRetryPolicy", {})}}


def _text(value: Any) -> str:
    return str(value).lower()
