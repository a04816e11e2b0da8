"""S3's access logs: gathered, and delivered late and together, as S3 does.

moto 5.2.5 writes one object for each request at the moment it comes; then a log bucket is never empty, not even
while its own deletion runs. This module puts a gatherer in the place of that one method.
"""

import threading
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.s3.models import S3Backend

from embedded import clock, moto_patches
from embedded.access.grants import lets_service_in
from embedded.bus import dropped
from embedded.operations import Params, admin

DELIVERY_SECONDS = 300.0
"""S3 delivers within hours; five minutes let a person see it."""

_MAX_LINES = 10_000
_DELIVERER = "logging.s3.amazonaws.com"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Line:
    backend: S3Backend
    bucket: str
    text: str


_lines: list[_Line] = []
_lock = threading.Lock()


def _gather(self: S3Backend, request: Any, bucket_name: str) -> None:
    """Remember a request to a bucket that has logging switched on."""
    bucket = self.buckets.get(bucket_name)
    if bucket is None or not bucket.logging:
        return
    now = datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    agent = request.headers.get("User-Agent", "-")
    operation = f"REST.{request.method}.{'OBJECT' if request.path.count('/') > 1 else 'BUCKET'}"
    line = f"{request.method} {request.path} HTTP/1.1"
    request_id = uuid.uuid4().hex
    text = f'{self.account_id} {bucket_name} [{now}] 127.0.0.1 - {request_id} {operation} - "{line}" - - - "{agent}" -'
    with _lock:
        _lines.append(_Line(backend=self, bucket=bucket_name, text=text))
        # a job that reads a million objects must not fill the memory of the cloud with lines about it
        del _lines[:-_MAX_LINES]


moto_patches.replace(S3Backend, "log_incoming_request", _gather, reason="it writes an object for each request")


@admin("deliver-access-logs")
def deliver(params: Params) -> dict[str, Any]:
    """Deliver what has been gathered: one object for each bucket."""
    with _lock:
        lines, _lines[:] = list(_lines), []
    by_bucket: dict[tuple[int, str], list[_Line]] = {}
    for line in lines:
        by_bucket.setdefault((id(line.backend), line.bucket), []).append(line)
    delivered = sum(_deliver_one(group) for group in by_bucket.values())
    return {"objects": delivered, "lines": len(lines)}


def _deliver_one(lines: list[_Line]) -> int:
    backend, name = lines[0].backend, lines[0].bucket
    source = backend.buckets.get(name)
    target = None if source is None or not source.logging else backend.buckets.get(source.logging["TargetBucket"])
    if source is None or target is None:
        return 0
    context = {"aws:SourceAccount": backend.account_id, "aws:SourceArn": f"arn:{backend.partition}:s3:::{name}"}
    policy = target.policy.decode() if target.policy else None
    if policy is not None and not lets_service_in(policy, _DELIVERER, "s3:PutObject", context):
        dropped.drop(
            source=f"access log of {name}",
            target=target.name,
            reason=f"its policy does not let {_DELIVERER} put objects",
        )
        return 0
    stamp = datetime.now(UTC).strftime("%Y-%m-%d-%H-%M-%S")
    key = f"{source.logging.get('TargetPrefix', '')}{stamp}-{uuid.uuid4().hex[:16].upper()}"
    backend.put_object(target.name, key, value="\n".join(line.text for line in lines).encode())
    return 1


def _deliver_now_and_then() -> None:
    while True:
        clock.sleep(DELIVERY_SECONDS)
        deliver({})


threading.Thread(target=_deliver_now_and_then, name="access-logs", daemon=True).start()
