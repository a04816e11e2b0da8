"""What AWS drops without a word, deliveries that a policy forbids: here each leaves a log line and a record."""

import logging
import time
from collections import deque
from typing import Any

from embedded.operations import Params, admin

_log = logging.getLogger(__name__)
_records: deque[dict[str, Any]] = deque(maxlen=200)


def drop(*, source: str, target: str, reason: str) -> None:
    """Record that something from `source` did not reach `target`, and why."""
    _records.append({"time": time.time(), "source": source, "target": target, "reason": reason})
    _log.warning("dropped: %s -> %s: %s", source, target, reason)


def records() -> list[dict[str, Any]]:
    """The latest drops, oldest first."""
    return list(_records)


@admin("dropped")
def _dropped(params: Params) -> dict[str, Any]:
    if params.get("clear"):
        _records.clear()
    return {"dropped": records()}
