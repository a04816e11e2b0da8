"""Streams of tables as sources of functions' events."""

from moto.dynamodb.models import dynamodb_backends

from embedded.bus.deliveries import place
from embedded.bus.sources import source


@source("dynamodb")
def _records(arn: str) -> int | None:
    account, region = place(arn)
    name, _, label = arn.split(":", 5)[5].removeprefix("table/").partition("/stream/")
    table = dynamodb_backends[account][region].tables.get(name)
    if table is None or table.stream_shard is None or table.latest_stream_label != label:
        return None
    return len(table.stream_shard.items)
