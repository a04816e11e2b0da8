"""Streams of tables: records go to the function in their order; none is passed over but one that is given up."""

import base64
import json
import logging
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from embedded import clock
from embedded.access import roles
from embedded.bus import sources
from embedded.bus.deliveries import deliver
from embedded.services.lambda_.event_sources.filters import passes
from embedded.services.lambda_.event_sources.mappings import MAPPINGS, SourceMapping
from embedded.services.lambda_.event_sources.queues import failures
from embedded.services.lambda_.operations import RealFunction, invoke_now

_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 1.0, 60.0

log = logging.getLogger(__name__)


def batch(mapping: SourceMapping, function: RealFunction) -> None:
    """Read what comes next and call the function with it, until it takes it or the mapping gives it up."""
    seen = sources.look(mapping.source_arn)
    records = _read(mapping, function)
    if not records:
        mapping.seen = mapping.seen if seen is None else seen
        return
    wanted = [record for record in records if passes(record, "dynamodb", mapping.settings)]
    if wanted:
        _call(mapping, function, wanted)
    if mapping.uuid in MAPPINGS:
        mapping.position = records[-1]["dynamodb"]["SequenceNumber"]


def _read(mapping: SourceMapping, function: RealFunction) -> list[dict[str, Any]]:
    api = roles.client_as(
        function.role,
        service="lambda.amazonaws.com",
        session=function.function_name,
        api="dynamodbstreams",
        region=mapping.region,
    )
    (shard,) = api.describe_stream(StreamArn=mapping.source_arn)["StreamDescription"]["Shards"]
    where: dict[str, str] = {"ShardIteratorType": "TRIM_HORIZON"}
    if mapping.position is not None:
        where = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": mapping.position}
    elif mapping.settings["StartingPosition"] == "LATEST":
        first = int(shard["SequenceNumberRange"]["StartingSequenceNumber"]) + mapping.seen
        where = {"ShardIteratorType": "AT_SEQUENCE_NUMBER", "SequenceNumber": str(first)}
    iterator = api.get_shard_iterator(StreamArn=mapping.source_arn, ShardId=shard["ShardId"], **where)["ShardIterator"]
    found = api.get_records(ShardIterator=iterator, Limit=mapping.batch_size)["Records"]
    return [{**_plain(one), "eventSourceARN": mapping.source_arn, "awsRegion": mapping.region} for one in found]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.timestamp() if isinstance(value, datetime) else value


def _call(mapping: SourceMapping, function: RealFunction, records: list[dict[str, Any]]) -> None:
    """Call the function with these records, again with those that failed and all behind them."""
    settings, wait, tries = mapping.settings, _FIRST_WAIT_SECONDS, 0
    while records and mapping.uuid in MAPPINGS:
        outcome = invoke_now(function, {"Records": records})
        tries += 1
        ids = [record["dynamodb"]["SequenceNumber"] for record in records]
        failed = set(ids) if outcome.failed else failures(outcome.payload, ids, mapping)
        mapping.result = "OK" if not failed else "PROBLEM: Function call failed"
        if not failed:
            return
        first = min(ids.index(one) for one in failed)
        records, before = records[first:], len(records)
        most, age = int(settings["MaximumRetryAttempts"]), int(settings["MaximumRecordAgeInSeconds"])
        born = records[0]["dynamodb"]["ApproximateCreationDateTime"]
        too_old = age >= 0 and clock.calendar() - clock.calendar(born) > age
        if too_old or 0 <= most < tries:
            _give_up(mapping, function, records, "RecordAgeExceeded" if too_old else "RetryAttemptsExhausted", tries)
            return
        if settings["BisectBatchOnFunctionError"] and len(records) > 1 and len(records) == before:
            half = len(records) // 2
            _call(mapping, function, records[:half])
            records = records[half:]
            continue
        clock.sleep(wait)
        wait = min(2 * wait, _LONGEST_WAIT_SECONDS)


def _give_up(
    mapping: SourceMapping, function: RealFunction, records: list[dict[str, Any]], why: str, tries: int
) -> None:
    target = (mapping.settings["DestinationConfig"].get("OnFailure") or {}).get("Destination")
    log.warning("%s gave up %d records: %s", mapping.arn, len(records), why)
    if target is None:
        return
    first, last = records[0]["dynamodb"], records[-1]["dynamodb"]
    stamps = [
        time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(one["ApproximateCreationDateTime"])) for one in (first, last)
    ]
    record = {
        "requestContext": {
            "functionArn": mapping.function_arn,
            "condition": why,
            "approximateInvokeCount": tries,
        },
        "responseContext": {"statusCode": 200, "executedVersion": str(function.version), "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
        "DDBStreamBatchInfo": {
            "startSequenceNumber": first["SequenceNumber"],
            "endSequenceNumber": last["SequenceNumber"],
            "approximateArrivalOfFirstRecord": stamps[0],
            "approximateArrivalOfLastRecord": stamps[1],
            "batchSize": len(records),
            "streamArn": mapping.source_arn,
        },
    }
    deliver(target, json.dumps(record), source="lambda.amazonaws.com", role_arn=function.role)
