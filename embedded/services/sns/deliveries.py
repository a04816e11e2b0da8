"""Deliveries to topics."""

from collections.abc import Mapping
from typing import Any

from moto.sns.models import sns_backends

from embedded.access.grants import key_problem, lets_service_in
from embedded.bus.deliveries import Sender, Undeliverable, destination, place


@destination("sns")
def _to_topic(arn: str, text: str, sender: Sender, options: Mapping[str, Any]) -> None:
    account, region = place(arn)
    topic = sns_backends[account][region].topics.get(arn)
    if topic is None:
        raise Undeliverable("the topic does not exist")
    context = sender.context(account)
    if sender.role_arn is not None:
        sender.require("sns:Publish", arn, region)
    elif not lets_service_in(topic.policy, sender.service, "sns:Publish", context):
        raise Undeliverable(f"the topic's policy does not let {sender.service} publish")
    problem = key_problem(topic.kms_master_key_id, account, region, sender.service, context)
    if problem is not None and sender.role_arn is None:
        raise Undeliverable(problem)
    topic.publish(text, subject=options.get("Subject"))
