"""Puts an event on the account's default bus for each change of a job's status, as SageMaker does."""

import logging
import queue
import threading
from datetime import datetime
from typing import Any

from embedded import clock
from embedded.bus import events
from embedded.services.sagemaker.jobs.job import Job, on_change
from embedded.weather.events import EVENT_DELAY, TRAINING_EVENTS

_waiting: queue.Queue[tuple[float, Job, dict[str, Any]]] = queue.Queue()
"""When an event is due by the cloud's clock, whose it is, and the event."""

log = logging.getLogger(__name__)


def start() -> None:
    """Start announcing, in order and in a separate thread, so that no job waits for a rule."""
    on_change(_queue)
    threading.Thread(target=_announce, name="announcements", daemon=True).start()


def _queue(job: Job) -> None:
    due, entry = clock.seconds() + EVENT_DELAY.value, event(job)
    for _ in range(1 if TRAINING_EVENTS.value == TRAINING_EVENTS.fair else 2):
        _waiting.put((due, job, entry))


def event(job: Job) -> dict[str, Any]:
    """The event: what the Describe operation answers, with times in milliseconds, and the tags."""
    detail = job.announced() | {"Tags": {tag["Key"]: tag["Value"] for tag in job.tags}}
    return {
        "source": "aws.sagemaker",
        "detail-type": job.kind.detail_type,
        "resources": [job.arn],
        "time": job.modified.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "detail": _plain({job.kind.name_field: job.name, **detail}),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return int(value.timestamp() * 1000) if isinstance(value, datetime) else value


def _announce() -> None:
    while True:
        due, job, entry = _waiting.get()
        clock.sleep(due - clock.seconds())
        try:
            events.publish(job.account, job.region, entry)
        except Exception:
            # a failing rule must not keep later events from being announced
            log.exception("the state of %s could not be announced", job.name)
