"""The month's ledger of an owner: what each launch may cost while it runs, and what it did cost when it ended.

One small object for each launch, in the artifact bucket under month and owner. Preflight reserves before it counts, so
that of two launches at once each sees the other: both may be refused, and never do both pass what only one may spend.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shardyard.handlers import aws
from shardyard.spec import names


def key_of(*, started: datetime, owner: str, run_id: str, attempt: int) -> str:
    """Where a launch is entered; `attempt` is its first, as a resumed run is launched again."""
    return names.ledger_key(f"{started.astimezone(UTC):%Y%m}", owner, run_id, attempt)


def first_attempt(key: str) -> int:
    """The number of the launch's first attempt."""
    return int(key.rpartition("-")[2].removesuffix(".json"))


def write(bucket: str, key: str, entry: Mapping[str, Any], clients: aws.Clients) -> None:
    """Write an entry, or write it anew."""
    body = json.dumps(dict(entry)).encode()
    clients("s3").put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")


def read(bucket: str, key: str, clients: aws.Clients) -> dict[str, Any]:
    """One entry."""
    return dict(json.loads(clients("s3").get_object(Bucket=bucket, Key=key)["Body"].read()))


def keys(bucket: str, prefix: str, clients: aws.Clients) -> list[str]:
    """The entries below a prefix: of a month, or of an owner in a month."""
    s3, found = clients("s3"), list[str]()
    token: dict[str, str] = {}
    while True:
        page = s3.list_objects_v2(Bucket=bucket, Prefix=prefix, **token)
        found += [one["Key"] for one in page.get("Contents", ())]
        if not page.get("IsTruncated"):
            return found
        token = {"ContinuationToken": page["NextContinuationToken"]}


def settle(run: Mapping[str, Any], lines: list[dict[str, Any]], clients: aws.Clients) -> None:
    """Enter what a launch cost, by the lines of its receipt; with a price unknown, its reservation stays."""
    if run.get("ledger") is not None:
        first = first_attempt(run["ledger"])
        own = [line["cost_usd"] for line in lines if int(line["name"].rpartition("-")[2]) >= first]
        settle_at(run, None if None in own else round(sum(own), 4), clients)


def settle_at(run: Mapping[str, Any], spent_usd: float | None, clients: aws.Clients) -> None:
    """Enter what a launch cost; None, where a price is unknown, leaves its reservation."""
    key = run.get("ledger")  # a launch without a cap has none
    if key is not None:
        entry = read(run["artifact_bucket"], key, clients)
        spent = entry["reserved_usd"] if spent_usd is None else spent_usd
        write(run["artifact_bucket"], key, {**entry, "ended": True, "spent_usd": spent}, clients)


def end(bucket: str, execution: str, started: datetime, run_id: str, clients: aws.Clients) -> None:
    """Mark a launch that was cut off: from now on what its training jobs billed counts, not what they might have."""
    for key in keys(bucket, names.ledger_prefix(f"{started.astimezone(UTC):%Y%m}"), clients):
        if key.rpartition("/")[2].startswith(f"{run_id}-"):
            entry = read(bucket, key, clients)
            if entry["execution"] == execution and not entry["ended"]:
                write(bucket, key, {**entry, "ended": True}, clients)
