"""What a transform job does at the same time, without a container: results of its own for each object, and its end."""

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, cast

import pytest

from embedded.nodes.folders import remove_folder
from embedded.services.sagemaker.jobs.running.failures import JobFailure
from embedded.services.sagemaker.transform import objects
from embedded.services.sagemaker.transform.objects import Source
from embedded.services.sagemaker.transform.runner import Runner

OBJECTS = 2000


@pytest.fixture
def runner() -> Iterator[Runner]:
    job = SimpleNamespace(request={"TransformInput": {}}, name="job")
    made = Runner(cast(Any, job), cast(Any, None))
    yield made
    assert made.folder is not None
    remove_folder(made.folder)


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads that take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty")
def test_no_object_gets_the_result_of_another(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "read", lambda s3, source, compression: source.key.encode())
    plan = SimpleNamespace(
        payloads=lambda data: [SimpleNamespace(body=data)], result=lambda payload, said: payload.body
    )
    sources = [Source(bucket="b", key=f"{number}", below="") for number in range(OBJECTS)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda one: runner._task(None, one, cast(Any, plan))(lambda bodies: bodies), sources))
    assert {source.key: place.read_text() for source, place in runner._written.items()} == {
        one.key: one.key for one in sources
    }


def test_an_error_of_one_instance_ends_the_others_before_they_are_closed(runner: Runner) -> None:
    halted, ended = threading.Event(), threading.Event()
    runner._instances = [cast(Any, SimpleNamespace(halt=halted.set, kill=lambda: None))]

    def fails() -> None:
        raise JobFailure("AlgorithmError: the first instance")

    def goes_on() -> None:
        halted.wait(5)
        threading.Event().wait(0.2)
        ended.set()

    with pytest.raises(JobFailure, match="the first instance"):
        runner._together([fails, goes_on])
    assert halted.is_set() and ended.is_set(), "it would write to the closed log of an instance"
