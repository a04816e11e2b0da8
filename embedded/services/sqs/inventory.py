"""What the inventory lists of this service."""

from collections.abc import Iterator

from moto.sqs.models import sqs_backends

from embedded import inventory


@inventory.kind("queues")
def _queues(account: str, region: str) -> Iterator[str]:
    yield from sqs_backends[account][region].queues
