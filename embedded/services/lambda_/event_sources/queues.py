"""Queues: a batch of messages goes to the function; what it takes is deleted, the rest comes back in its time."""

import base64
import json
import logging
from collections.abc import Iterable
from typing import Any

from embedded.access import roles
from embedded.services.lambda_.event_sources.filters import passes
from embedded.services.lambda_.event_sources.mappings import SourceMapping
from embedded.services.lambda_.operations import RealFunction, invoke_now

_AT_ONCE = 10
"""The most messages that one ReceiveMessage returns, and one DeleteMessageBatch takes."""

log = logging.getLogger(__name__)


def batch(mapping: SourceMapping, function: RealFunction) -> None:
    """Read a batch and call the function with it."""
    sqs = roles.client_as(
        function.role, service="lambda.amazonaws.com", session=function.function_name, api="sqs", region=mapping.region
    )
    name, account = mapping.source_arn.split(":")[5], mapping.source_arn.split(":")[4]
    url = sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]
    messages = _receive(sqs, url, mapping.batch_size)
    if not messages:
        return
    records = {message["MessageId"]: _record(message, mapping) for message in messages}
    wanted = [record for record in records.values() if passes(record, "sqs", mapping.settings)]
    done = set(records) - {record["messageId"] for record in wanted}  # nobody is to see what a filter leaves out
    if wanted:
        outcome = invoke_now(function, {"Records": wanted})
        ids = [record["messageId"] for record in wanted]
        failed = set(ids) if outcome.failed else failures(outcome.payload, ids, mapping)
        mapping.result = "OK" if not failed else f"PROBLEM: Function call failed for {len(failed)} of {len(ids)}"
        done |= set(ids) - failed
    _delete(sqs, url, [message for message in messages if message["MessageId"] in done])


def failures(payload: str, ids: list[str], mapping: SourceMapping) -> set[str]:
    """Which records a function that ended well says have failed; an answer that cannot be understood means all."""
    if not mapping.reports_failures:
        return set()
    try:
        answer = json.loads(payload)
    except ValueError:
        return set(ids)
    if not answer or not isinstance(answer, dict) or not answer.get("batchItemFailures"):
        return set() if not answer or isinstance(answer, dict) else set(ids)
    listed = answer["batchItemFailures"]
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        return set(ids)
    named = [one.get("itemIdentifier") for one in listed]
    return set(named) if all(name in ids for name in named) else set(ids)


def _receive(sqs: Any, url: str, most: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while len(found) < most:
        some = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=min(_AT_ONCE, most - len(found)),
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
            WaitTimeSeconds=0,
        ).get("Messages", [])
        found += some
        if not some:
            break
    return found


def _delete(sqs: Any, url: str, messages: list[dict[str, Any]]) -> None:
    for start in range(0, len(messages), _AT_ONCE):
        some = messages[start : start + _AT_ONCE]
        entries = [{"Id": str(number), "ReceiptHandle": one["ReceiptHandle"]} for number, one in enumerate(some)]
        for problem in sqs.delete_message_batch(QueueUrl=url, Entries=entries).get("Failed", ()):
            log.warning("a message of %s could not be deleted: %s", url, problem)


def _record(message: dict[str, Any], mapping: SourceMapping) -> dict[str, Any]:
    record = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": dict(_attributes(message.get("MessageAttributes", {}).items())),
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": mapping.source_arn,
        "awsRegion": mapping.region,
    }
    if "MD5OfMessageAttributes" in message:
        record["md5OfMessageAttributes"] = message["MD5OfMessageAttributes"]
    return record


def _attributes(given: Iterable[tuple[str, dict[str, Any]]]) -> Iterable[tuple[str, dict[str, Any]]]:
    for name, value in given:
        shown: dict[str, Any] = {"stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
        if "StringValue" in value:
            shown["stringValue"] = value["StringValue"]
        if "BinaryValue" in value:
            shown["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
        yield name, shown
