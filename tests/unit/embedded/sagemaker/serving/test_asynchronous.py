"""What an asynchronous inference measures, without a container: the metrics that an endpoint's alarms look at."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from embedded.services.sagemaker.serving.asynchronous import queue
from embedded.services.sagemaker.serving.asynchronous.item import Item
from embedded.services.sagemaker.serving.containers.http import Answer


def inference() -> Item:
    return Item(
        account="1",
        region="r",
        endpoint="e",
        inference_id="i",
        headers={},
        input_location=None,
        body=b"",
        output="s3://b/k",
        failure=None,
    )


@pytest.mark.parametrize(("status", "errors"), [(200, (0.0, 0.0)), (404, (1.0, 0.0)), (500, (0.0, 1.0))])
def test_an_answer_counts_as_a_models_error_as_it_does_in_real_time(
    status: int, errors: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An alarm on Invocation5XXErrors rolls an asynchronous endpoint back too: AWS publishes it for both."""
    measured: dict[str, float] = {}
    monkeypatch.setattr(queue, "measure", lambda endpoint, plan, values: measured.update(values))
    results = SimpleNamespace(input_of=lambda item: b"", completed=lambda *_: None, failed=lambda *_: None)
    monkeypatch.setattr(queue, "Results", lambda *_: results)
    container = SimpleNamespace(post=lambda *_, **__: Answer(status=status, headers={}, body=b""))
    plan = SimpleNamespace(model={"ExecutionRoleArn": "role"})
    member = cast(Any, SimpleNamespace(plan=plan, slow_seconds=0.0, containers={"container-1": container}))
    endpoint = cast(Any, SimpleNamespace(region="r", name="e", current=SimpleNamespace(asynchronous={})))
    assert not queue._infer(endpoint, member, inference())
    assert (measured["Invocation4XXErrors"], measured["Invocation5XXErrors"]) == errors


@pytest.mark.parametrize("attempts", [1, queue.ATTEMPTS_MOST])
def test_an_inference_that_the_cloud_itself_fails_at_is_tried_again_and_then_told_as_failed(
    attempts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: Any) -> bool:
        raise RuntimeError("not foreseen")

    told: list[str] = []
    results = SimpleNamespace(failed=lambda item, reason: told.append(reason))
    for name, value in {"Results": lambda *_: results, "_infer": breaks, "measure": lambda *_: None}.items():
        monkeypatch.setattr(queue, name, value)
    item, key = inference(), ("1", "r", "e")
    item.attempts = attempts
    monkeypatch.setattr(queue, "_going", [item])
    monkeypatch.setattr(queue, "_busy", {"m": 1})
    monkeypatch.setattr(queue, "_waiting", {})
    plan = SimpleNamespace(model={"ExecutionRoleArn": "role"})
    member = cast(Any, SimpleNamespace(id="m", plan=plan, done=lambda: None))
    endpoint = cast(Any, SimpleNamespace(region="r", name="e", current=SimpleNamespace(asynchronous={"a": 1})))
    queue._work(endpoint, member, item)
    again = attempts < queue.ATTEMPTS_MOST
    assert list(queue._waiting.get(key, ())) == ([item] if again else [])
    assert told == ([] if again else [f"InternalServerError: The service failed at the inference, {attempts} times."])
    assert queue._busy == {"m": 0} and queue._going == []
