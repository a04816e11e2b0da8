"""What follows each kind of failure, and that everything that repeats is bounded."""

from collections import Counter
from typing import Any

import pytest

from shardyard.handlers.launch.classify.failures import Failure, Kind
from shardyard.handlers.launch.classify.next_step import THROTTLED_TRIES, Step, decide


def plan(*types: str, candidate: int = 0, **changes: Any) -> dict[str, Any]:
    return {
        "candidates": [{"instance_type": kind, "fields": {}} for kind in types or ("ml.g5.xlarge",)],
        "candidate": candidate,
        "queue_seconds": 3600,
        "first_wait_seconds": 60,
        "longest_wait_seconds": 900,
        "internal_retries": 2,
        "interruption_resumes": 3,
    } | changes


def after(kind: Kind, times: int = 1, waited: float = 0, **changes: Any) -> Step:
    failure = Failure(kind=kind, message="the service's words", ran=True)
    given = changes.pop("plan", None) or plan(**changes)
    return decide(failure, given, {kind.name: times}, waited)


@pytest.mark.parametrize("kind", [Kind.CAPACITY, Kind.LIMIT])
def test_waits_twice_as_long_each_time_up_to_the_longest_pause(kind: Kind) -> None:
    assert [after(kind, times).wait_seconds for times in (1, 2, 3, 4, 5, 6)] == [60, 120, 240, 480, 900, 900]


@pytest.mark.parametrize("kind", [Kind.CAPACITY, Kind.LIMIT])
def test_ends_when_the_queueing_time_is_over(kind: Kind) -> None:
    assert after(kind, 9, waited=3595).wait_seconds == 5
    step = after(kind, 9, waited=3600)
    assert not step.again
    assert "within 3600 s of queueing. the service's words" in step.why


def test_a_job_that_never_waits_ends_at_once() -> None:
    assert not after(Kind.CAPACITY, queue_seconds=0).again


def test_goes_to_the_next_instance_type_at_once_then_waits_and_begins_again() -> None:
    types = ("ml.p5.48xlarge", "ml.p4d.24xlarge")
    first = after(Kind.CAPACITY, 1, plan=plan(*types))
    assert (first.again, first.candidate, first.wait_seconds) == (True, 1, 1)
    assert first.why == "No capacity for ml.p5.48xlarge; trying ml.p4d.24xlarge."
    second = after(Kind.CAPACITY, 2, plan=plan(*types, candidate=1))
    assert (second.again, second.candidate, second.wait_seconds) == (True, 0, 60)


def test_fallback_needs_no_queueing_time() -> None:
    assert after(Kind.LIMIT, plan=plan("ml.p5.48xlarge", "ml.g5.xlarge", queue_seconds=0)).candidate == 1


@pytest.mark.parametrize(
    ("kind", "bound"), [(Kind.THROTTLED, THROTTLED_TRIES), (Kind.INTERNAL, 2), (Kind.INTERRUPTED, 3)]
)
def test_retries_are_bounded(kind: Kind, bound: int) -> None:
    assert after(kind, bound).again
    last = after(kind, bound + 1)
    assert not last.again
    assert last.why == f"the service's words (after {bound} tries more)"


@pytest.mark.parametrize(
    "kind", [Kind.ALGORITHM, Kind.REFUSED, Kind.GUARDED, Kind.STOPPED, Kind.OUT_OF_TIME, Kind.REJECTED]
)
def test_never_again_by_itself(kind: Kind) -> None:
    step = after(kind)
    assert not step.again
    assert step.why == "the service's words"


def test_every_launch_ends() -> None:
    """Whatever the service answers, a launch cannot go on for ever."""
    for kind in Kind:
        counts: Counter[str] = Counter()
        waited, given = 0.0, plan("a", "b", "c")
        for _ in range(1000):
            counts[kind.name] += 1
            step = decide(Failure(kind=kind, message="", ran=True), given, counts, waited)
            if not step.again:
                break
            waited += step.wait_seconds
            given["candidate"] = step.candidate
        else:
            pytest.fail(f"{kind} goes on for ever")
