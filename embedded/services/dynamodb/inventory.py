"""What the inventory lists of this service."""

from collections.abc import Iterator

from moto.dynamodb.models import dynamodb_backends

from embedded import inventory


@inventory.kind("tables")
def _tables(account: str, region: str) -> Iterator[str]:
    yield from dynamodb_backends[account][region].tables
