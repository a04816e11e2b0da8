"""The queues of asynchronous endpoints, and the threads that take from them: so many for each healthy instance."""

import logging
import threading
import time
from collections import deque

from botocore.exceptions import BotoCoreError, ClientError

from embedded import clock
from embedded.kept import parts
from embedded.services.sagemaker.serving.asynchronous.item import Item
from embedded.services.sagemaker.serving.asynchronous.results import Results
from embedded.services.sagemaker.serving.containers.http import Answer, NoAnswer, TooLate
from embedded.services.sagemaker.serving.endpoints import store
from embedded.services.sagemaker.serving.endpoints.endpoint import Endpoint
from embedded.services.sagemaker.serving.fleets.fleet import Fleet
from embedded.services.sagemaker.serving.fleets.member import Member
from embedded.services.sagemaker.serving.invocations.measures import measure, measure_endpoint

DEFAULT_CONCURRENCY = 4
"""How many inferences an instance is given at a time where the configuration says nothing; AWS gives no figure."""
ATTEMPTS_MOST = 3
"""How often an inference is begun whose instance is lost under it."""
_LOOK_SECONDS = 0.05
_METRIC_SECONDS = 60.0
_EXPIRED = "The request was not processed within RequestTTLSeconds of {seconds:g} seconds."
_Key = tuple[str, str, str]
log = logging.getLogger(__name__)

_waiting: dict[_Key, deque[Item]] = {}
_going: list[Item] = []
"""What instances work on. After a restart of the cloud it is begun again: nothing that was taken in is lost."""
_lock = threading.Lock()
_busy: dict[str, int] = {}
"""How many inferences each instance works on."""


def put(item: Item) -> None:
    """Take an inference in."""
    with _lock:
        _waiting.setdefault((item.account, item.region, item.endpoint), deque()).append(item)
    parts.touch()


def _keep() -> list[Item]:
    with _lock:
        return [*_going, *(item for items in _waiting.values() for item in items)]


def _put_back(found: list[Item]) -> None:
    for item in found:
        item.entered = clock.seconds()
        put(item)


parts.keep("sagemaker.asynchronous", _keep, _put_back)


def _look() -> None:
    for key in list(_waiting):
        endpoint = store.find(*key)
        if endpoint is None:
            # deleted: as on AWS, nobody answers what still waited
            with _lock:
                _waiting.pop(key, None)
            continue
        current = endpoint.current
        if current is None or current.asynchronous is None:
            continue
        (fleet,) = current.fleets.values()
        _expire(endpoint, key, fleet)
        client = current.asynchronous.get("ClientConfig", {})
        most = client.get("MaxConcurrentInvocationsPerInstance", DEFAULT_CONCURRENCY)
        for member in fleet.well():
            _fill(endpoint, key, member, most)


def _fill(endpoint: Endpoint, key: _Key, member: Member, most: int) -> None:
    """Give an instance as many inferences as it may have."""
    while True:
        with _lock:
            items = _waiting.get(key)
            if not items or _busy.get(member.id, 0) >= most or member.state != "well":
                return
            item = items.popleft()
            _going.append(item)
            _busy[member.id] = _busy.get(member.id, 0) + 1
        member.begin()
        name = f"inference {item.inference_id}"
        threading.Thread(target=_work, args=(endpoint, member, item), name=name, daemon=True).start()


def _expire(endpoint: Endpoint, key: _Key, fleet: Fleet) -> None:
    with _lock:
        items = _waiting.get(key, deque())
        late = [item for item in items if item.age > item.ttl_seconds]
        for item in late:
            items.remove(item)
    results = Results(_config(endpoint), fleet.plan.model["ExecutionRoleArn"], endpoint.region)
    for item in late:
        measure(endpoint, fleet.plan, {"ExpiredRequests": 1.0})
        results.failed(item, _EXPIRED.format(seconds=item.ttl_seconds))


def _work(endpoint: Endpoint, member: Member, item: Item) -> None:
    again = False
    try:
        again = _infer(endpoint, member, item)
    except Exception:
        log.exception("the inference %s of %s failed inside the cloud", item.inference_id, endpoint.name)
        again = item.attempts < ATTEMPTS_MOST
        if not again:
            _give_up(endpoint, member, item)
    finally:
        member.done()
        with _lock:
            _busy[member.id] -= 1
            _going.remove(item)
            if again:
                _waiting.setdefault((item.account, item.region, item.endpoint), deque()).appendleft(item)
        parts.touch()


def _give_up(endpoint: Endpoint, member: Member, item: Item) -> None:
    """Tell of an inference that the cloud itself cannot bring to an end: nobody is to wait for it in vain."""
    try:
        results = Results(_config(endpoint), member.plan.model["ExecutionRoleArn"], endpoint.region)
        results.failed(item, f"InternalServerError: The service failed at the inference, {item.attempts} times.")
        measure(endpoint, member.plan, {"InvocationFailures": 1.0})
    except Exception:
        log.exception("nobody could be told that the inference %s failed", item.inference_id)


def _infer(endpoint: Endpoint, member: Member, item: Item) -> bool:
    """One attempt; True if the instance was lost under it, and another one is to have it."""
    item.attempts += 1
    plan = member.plan
    results = Results(_config(endpoint), plan.model["ExecutionRoleArn"], endpoint.region)
    began, waited = time.monotonic(), item.age
    try:
        body = results.input_of(item)
    except (ClientError, BotoCoreError) as error:
        results.failed(item, f"ClientError: The input {item.input_location} cannot be read: {error}")
        measure(endpoint, plan, {"RequestDownloadFailures": 1.0})
        return False
    asked = time.monotonic()
    try:
        if member.slow_seconds:
            time.sleep(min(member.slow_seconds, item.timeout_seconds))
        (container,) = member.containers.values()
        answer = container.post(body, item.headers, seconds=item.timeout_seconds)
    except TooLate:
        results.failed(item, f"ClientError: The model did not answer within {item.timeout_seconds:g} seconds.")
        measure(endpoint, plan, {"InvocationFailures": 1.0})
        return False
    except NoAnswer as error:
        member.note_trouble()
        if item.attempts < ATTEMPTS_MOST:
            return True
        results.failed(item, f"InternalServerError: The container gave no answer, {item.attempts} times: {error}")
        measure(endpoint, plan, {"InvocationFailures": 1.0})
        return False
    now = time.monotonic()
    of_model = {
        "ModelLatency": (now - asked) * 1e6,
        "Invocation4XXErrors": float(400 <= answer.status < 500),
        "Invocation5XXErrors": float(answer.status >= 500),
    }
    measure(endpoint, plan, {**of_model, "TimeInBacklog": waited * 1e3})
    if _conclude(endpoint, member, item, answer, results):
        done = {"InvocationsProcessed": 1.0, "TotalProcessingTime": (time.monotonic() - began) * 1e3}
        measure(endpoint, plan, done)
    return False


def _conclude(endpoint: Endpoint, member: Member, item: Item, answer: Answer, results: Results) -> bool:
    """Bring the answer to its place; False for one that is a failure, or ends as one."""
    if answer.status >= 400:
        kind = "client" if answer.status < 500 else "server"
        reason = f"ClientError: Received {kind} error ({answer.status}) from model. See the SageMaker Endpoint logs in"
        results.failed(item, f"{reason} your account for more information.", answer.body)
        measure(endpoint, member.plan, {"InvocationFailures": 1.0})
        return False
    try:
        results.completed(item, answer)
    except (ClientError, BotoCoreError) as error:
        results.failed(item, f"ClientError: The result cannot be written to {item.output}: {error}")
        measure(endpoint, member.plan, {"ResponseUploadFailures": 1.0})
        return False
    return True


def _config(endpoint: Endpoint) -> dict[str, object]:
    current = endpoint.current
    assert current is not None and current.asynchronous is not None, "only an asynchronous endpoint has a queue"
    return dict(current.asynchronous)


def backlog(endpoint: Endpoint) -> dict[str, float]:
    """The queue's metrics: what waits or is worked on, per instance, and whether there is no instance for it."""
    key = (endpoint.account, endpoint.region, endpoint.name)
    with _lock:
        items = [*_waiting.get(key, ()), *(one for one in _going if (one.account, one.region, one.endpoint) == key)]
    current = endpoint.current
    count = 0 if current is None else current.count()
    found = {
        "ApproximateBacklogSize": float(len(items)),
        "HasBacklogWithoutCapacity": float(bool(items) and not count),
        "ApproximateAgeOfOldestRequest": max((item.age for item in items), default=0.0),
    }
    return found if not count else found | {"ApproximateBacklogSizePerInstance": len(items) / count}


def _publish() -> None:
    for endpoint in store.everywhere():
        current = endpoint.current
        if current is not None and current.asynchronous is not None:
            measure_endpoint(endpoint, backlog(endpoint))


def _look_now_and_then() -> None:
    while True:
        time.sleep(_LOOK_SECONDS)
        try:
            _look()
        except Exception:
            log.exception("the queues of asynchronous endpoints could not be looked at")


def _publish_now_and_then() -> None:
    while True:
        clock.sleep(_METRIC_SECONDS)
        try:
            _publish()
        except Exception:
            log.exception("the backlogs of asynchronous endpoints could not be measured")


threading.Thread(target=_look_now_and_then, name="asynchronous endpoints", daemon=True).start()
threading.Thread(target=_publish_now_and_then, name="backlogs", daemon=True).start()
