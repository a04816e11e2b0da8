"""Deliveries to queues."""

from collections.abc import Mapping
from typing import Any

from moto.sqs.models import sqs_backends

from embedded.access.grants import key_problem, lets_service_in
from embedded.bus.deliveries import Sender, Undeliverable, destination, place


@destination("sqs")
def _to_queue(arn: str, text: str, sender: Sender, options: Mapping[str, Any]) -> None:
    account, region = place(arn)
    queue = sqs_backends[account][region].queues.get(arn.split(":")[-1])
    if queue is None:
        raise Undeliverable("the queue does not exist")
    context = sender.context(account)
    if sender.role_arn is not None:
        sender.require("sqs:SendMessage", arn, region)
    elif not lets_service_in(queue.policy, sender.service, "sqs:SendMessage", context):
        raise Undeliverable(f"the queue's policy does not let {sender.service} send messages")
    problem = key_problem(queue.kms_master_key_id, account, region, sender.service, context)
    if problem is not None and sender.role_arn is None:
        raise Undeliverable(problem)
    group = (options.get("SqsParameters") or {}).get("MessageGroupId")
    sqs_backends[account][region].send_message(queue.name, text, group_id=group)
