"""One record on its way through a transform job, with what it is at each step."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from shardyard.spec.transform.errors import TransformError
from shardyard.spec.transform.plan import Plan
from shardyard.spec.transform.records import split


@dataclass(frozen=True, kw_only=True, slots=True)
class Trip:
    """What there is at each step; None where the container was not asked."""

    record: bytes
    """As it lies in the object."""
    sent: bytes
    """What the filter leaves of it: the body of the request."""
    answer: bytes | None = None
    joined: bytes | None = None
    """Before the second filter."""
    result: bytes | None = None
    """What the job writes."""


def travel(data: bytes, plan: Plan, number: int, invoke: Callable[[bytes], bytes] | None) -> Trip:
    """Send the record of this number, counted from 1, by itself; without `invoke` it goes as far as the container."""
    records = split(data, plan.split)
    if not 1 <= number <= len(records):
        raise TransformError(f"there is no record {number}: the object has {len(records)}, split by {plan.split}")
    framed = records[number - 1].framed
    alone = replace(plan, strategy="SingleRecord")
    (payload,) = alone.payloads(framed)
    if invoke is None:
        return Trip(record=payload.records[0], sent=payload.body)
    answer = invoke(payload.body)
    return Trip(
        record=payload.records[0],
        sent=payload.body,
        answer=answer,
        joined=replace(alone, output_filter="$").result(payload, answer),
        result=alone.result(payload, answer),
    )
