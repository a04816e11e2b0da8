"""The events of endpoints: a change of status, and each step of a deployment."""

import logging
import queue
import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from embedded import clock
from embedded.bus import events
from embedded.services.sagemaker.serving.endpoints.endpoint import Endpoint
from embedded.weather.events import EVENT_DELAY, TRAINING_EVENTS

STATE_CHANGE = "SageMaker Endpoint State Change"
DEPLOYMENT_CHANGE = "SageMaker Endpoint Deployment State Change"
log = logging.getLogger(__name__)
_waiting: queue.Queue[tuple[float, Endpoint, Mapping[str, Any]]] = queue.Queue()
"""When an event is due by the cloud's clock, whose it is, and the event."""
_WORDS = {"InService": "IN_SERVICE", "OutOfService": "OUT_OF_SERVICE", "RollingBack": "ROLLING_BACK"}
_WORDS |= {"SystemUpdating": "SYSTEM_UPDATING", "UpdateRollbackFailed": "UPDATE_ROLLBACK_FAILED"}


def status_changed(endpoint: Endpoint) -> None:
    """Tell that the endpoint's status is another one."""
    _publish(endpoint, STATE_CHANGE, endpoint.describe())


def deployment_changed(endpoint: Endpoint) -> None:
    """Tell of a step of the deployment, in the words of Describe."""
    _publish(endpoint, DEPLOYMENT_CHANGE, endpoint.describe())


def _publish(endpoint: Endpoint, kind: str, detail: Mapping[str, Any]) -> None:
    status = _WORDS.get(endpoint.status, endpoint.status.upper())
    said = {**detail, "EndpointStatus": status, "Tags": dict(endpoint.tags)}
    said.setdefault("EndpointConfigName", endpoint.config)
    event = {
        "source": "aws.sagemaker",
        "detail-type": kind,
        "resources": [endpoint.arn],
        "time": endpoint.modified.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "detail": _plain(said),
    }
    due = clock.seconds() + EVENT_DELAY.value
    for _ in range(1 if TRAINING_EVENTS.value == TRAINING_EVENTS.fair else 2):
        _waiting.put((due, endpoint, event))


def _announce() -> None:
    """Publish in order, and in a thread of its own: no deployment waits for a rule."""
    while True:
        due, endpoint, event = _waiting.get()
        clock.sleep(due - clock.seconds())
        try:
            events.publish(endpoint.account, endpoint.region, event)
        except Exception:
            # a failing rule must not keep later events from being announced
            log.exception("the state of %s could not be announced", endpoint.name)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return int(value.timestamp() * 1000) if isinstance(value, datetime) else value


threading.Thread(target=_announce, name="endpoints' events", daemon=True).start()
