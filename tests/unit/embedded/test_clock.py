"""The embedded cloud's one clock, and that nothing emulated waits by another."""

import ast
import pickle
import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded import clock
from embedded.operations import ServiceError

EMBEDDED = Path(clock.__file__).parent

REAL = {
    "access/roles.py": "how long a session of our own is used again",
    "clock.py": "the clock itself",
    "kept/keeper.py": "snapshots of this process",
    "kept/parts.py": "snapshots of this process",
    "nodes/cell_attempt.py": "the end of processes",
    "nodes/docker/attempt.py": "the end of a container",
    "nodes/folder_sync.py": "looks at files that a program writes; slow uploads are slow for the program",
    "nodes/logs.py": "lines that a program writes, gathered for a moment",
    "nodes/pipes.py": "looks at files that a program reads",
    "process/held.py": "the end of a predecessor's process",
    "process/starting.py": "the start and end of a process",
    "schedules/watch.py": "looks at the clock, and how late a look comes",
    "server.py": "keeps the process",
    "services/applicationautoscaling/engine.py": "looks at the alarms, and at endpoints that change",
    "services/cloudwatch/alarm_periods.py": "looks at the clock",
    "services/cloudwatch/alarms.py": "gathers data that came together",
    "services/lambda_/event_sources/poller.py": "looks at the sources",
    "services/lambda_/pool.py": "keeps processes warm, to save a start",
    "services/lambda_/runner.py": "a function's time-out: its program works no faster",
    "services/lambda_/worker.py": "runs inside a function's process: the time it has left",
    "services/sagemaker/jobs/capacity.py": "looks at the instances; how long is said by who asks",
    "services/sagemaker/jobs/endings.py": "the longest run time: the nodes work no faster",
    "services/sagemaker/jobs/host_usage.py": "samples of what processes use",
    "services/sagemaker/jobs/metrics.py": "samples of what processes use",
    "services/sagemaker/processing/runner.py": "looks at the clock; what a program takes is counted as it is",
    "services/sagemaker/serving/asynchronous/queue.py": "what a program takes is counted as it is",
    "services/sagemaker/serving/containers/container.py": "the start and end of a program, which works no faster",
    "services/sagemaker/serving/containers/http.py": "a program's answer, which comes no faster",
    "services/sagemaker/serving/endpoints/host_metrics.py": "samples of what processes use",
    "services/sagemaker/serving/fleets/fleet.py": "until whoever picked an instance has begun",
    "services/sagemaker/serving/fleets/member.py": "looks at a program that may end",
    "services/sagemaker/serving/fleets/serverless.py": "how long a program's start takes",
    "services/sagemaker/serving/invocations/answering.py": "a program's answer, and an instance that is made slow",
    "services/sagemaker/serving/invocations/capture.py": "gathers what came together",
    "services/sagemaker/serving/invocations/measures.py": "gathers what came together",
    "services/sagemaker/serving/invocations/models.py": "how long a program takes to load a model",
    "services/sagemaker/serving/invocations/realtime.py": "what a program takes is counted as it is",
    "services/sagemaker/serving/resources.py": "looks at the endpoint",
    "services/sagemaker/training/runner.py": "looks at the clock; what a program takes is counted as it is",
    "services/sagemaker/tuning/tuner.py": "looks at what the training jobs have reported",
    "services/stepfunctions/api/activities.py": "looks at the tasks",
    "services/stepfunctions/executions.py": "until a thread has begun",
    "services/stepfunctions/sagemaker/job_changes.py": "looks at the jobs",
    "cloudformation/queries.py": "a long poll of our own command, until the stack changes",
    "cloudformation/stack.py": "a long poll of our own command, until the stack changes",
}
"""Who may wait by the machine's clock, and for what."""


@pytest.fixture(autouse=True)
def one_to_one() -> Iterator[None]:
    yield
    clock.set_rate(1.0)


def own_waits(path: Path) -> list[str]:
    """The calls of a file that wait by the machine's clock, or read the one that waits are reckoned by."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
            waits = node.func.attr in ("wait", "wait_for", "join", "get", "acquire") and any(
                keyword.arg == "timeout" for keyword in node.keywords
            )
            by_place = node.func.attr == "wait" and node.args and owner not in ("clock", "endings", "run")
            if (
                (owner, node.func.attr) in (("time", "sleep"), ("time", "monotonic"), ("threading", "Timer"))
                or waits
                or by_place
            ):
                found.append(f"{owner}.{node.func.attr}")
    return found


def test_nothing_emulated_waits_by_the_machines_clock() -> None:
    files = sorted(EMBEDDED.rglob("*.py"))
    assert len(files) > 200
    waiting = {str(path.relative_to(EMBEDDED)): own_waits(path) for path in files}
    of_events = {  # `clock.Event` under another name
        "cloudformation/custom_resources.py": [".wait"],
        "services/stepfunctions/interpreter/waits.py": [".wait"],
    }
    assert {name: waiting[name] for name in of_events} == of_events
    found = {name: calls for name, calls in waiting.items() if calls and name not in of_events}
    assert {name: calls for name, calls in found.items() if name not in REAL} == {}, "wait by embedded.clock"
    assert sorted(REAL.keys() - found.keys()) == [], "these wait no more: take them off the list"


def test_a_faster_clock_ends_waits_sooner_and_in_the_same_order() -> None:
    clock.set_rate(100)
    ended: list[int] = []
    threads = [threading.Thread(target=lambda n=n: (clock.sleep(n), ended.append(n))) for n in (9, 3, 6)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended == [3, 6, 9]
    assert 0.09 <= time.monotonic() - began < 2


def test_who_waits_already_goes_on_with_the_rest() -> None:
    event, came = clock.Event(), []
    thread = threading.Thread(target=lambda: came.append(event.wait(3600)))
    thread.start()
    time.sleep(0.05)
    clock.set_rate(1000)
    clock.set_rate(clock.FASTEST)
    thread.join(30)
    assert came == [False], "an hour is 3.6 s at the fastest"


def test_an_event_that_is_cleared_at_once_has_come() -> None:
    event, came = clock.Event(), []
    thread = threading.Thread(target=lambda: came.append(event.wait(60)))
    thread.start()
    while not clock._waiting:
        time.sleep(0.01)
    event.set()
    event.clear()
    thread.join(10)
    assert came == [True]
    assert not event.is_set() and not pickle.loads(pickle.dumps(event)).is_set()


def test_a_program_keeps_its_time() -> None:
    clock.set_rate(1000)
    began = time.monotonic()
    assert not clock.Event().wait(1, at_least=0.2)
    assert time.monotonic() - began >= 0.2


def test_a_queue_a_thread_and_a_timer() -> None:
    clock.set_rate(100)
    inbox: queue.Queue[str] = queue.Queue()
    timer = clock.Timer(5, inbox.put, "rang")
    never = clock.Timer(1, inbox.put, "cancelled")
    never.cancel()
    assert clock.get(inbox, clock.seconds() + 60) == "rang"
    with pytest.raises(queue.Empty):
        clock.get(inbox, clock.seconds() + 5)
    assert timer is not never
    thread = threading.Thread(target=lambda: time.sleep(1))
    thread.start()
    clock.join(thread, 10)
    assert thread.is_alive(), "ten of its seconds are a tenth of ours"
    thread.join()


def test_the_calendar_runs_ahead_and_maps_what_is_past() -> None:
    before = time.time() - 10
    mapped = clock.calendar(before)
    shift = clock.calendar() - time.time()
    clock.set_rate(1000)
    time.sleep(0.05)
    ahead = clock.calendar() - time.time() - shift
    assert 45 < ahead < 600
    assert clock.calendar(before) == mapped, "what happened before keeps its place"
    clock.set_rate(1)
    assert clock.calendar() - time.time() - shift >= ahead


@pytest.mark.parametrize("given", ["fast", "0.5x", 0, -1, "1001x", True, None, "nan"])
def test_a_rate_that_is_none_is_refused(given: object) -> None:
    with pytest.raises(ServiceError, match="must be a number from 1 to 1000, such as 60x"):
        clock.read(given)


def test_a_rate_as_people_write_it() -> None:
    assert clock.read("60x") == 60 and clock.read("7") == 7 and clock.read(2.5) == 2.5
