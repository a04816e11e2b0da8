"""How a `.sync` task hears that its job has ended: woken by the job's own event, and looking again every second."""

import threading
from collections.abc import Mapping
from typing import Any

from embedded.bus import events

_changed = threading.Condition()
_generation = 0


def jobs_changed() -> None:
    """Wake every waiting task: a job of SageMaker has changed its state."""
    global _generation
    with _changed:
        _generation += 1
        _changed.notify_all()


def generation() -> int:
    """The number of changes so far; taken before a job is looked at, so that no change is missed."""
    return _generation


def wait_for_change(since: int, seconds: float) -> None:
    """Return when a job has changed since that generation, or after some seconds."""
    with _changed:
        _changed.wait_for(lambda: _generation != since, timeout=seconds)


@events.listener
def _hear(account: str, region: str, event: Mapping[str, Any]) -> None:
    if event["source"] == "aws.sagemaker":
        jobs_changed()
