"""Queues as sources of functions' events."""

from moto.sqs.models import sqs_backends

from embedded.bus.deliveries import place
from embedded.bus.sources import source


@source("sqs")
def _visible(arn: str) -> int | None:
    account, region = place(arn)
    queue = sqs_backends[account][region].queues.get(arn.rsplit(":", 1)[-1])
    return None if queue is None else sum(message.visible and not message.delayed for message in list(queue._messages))
