"""What a fleet and a request leave behind, without containers."""

import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from embedded.operations import ServiceError
from embedded.services.sagemaker.serving.containers import container
from embedded.services.sagemaker.serving.containers.container import ContainerSpec, ModelContainer, NotWell
from embedded.services.sagemaker.serving.containers.http import NoAnswer
from embedded.services.sagemaker.serving.fleets import fleet as fleets
from embedded.services.sagemaker.serving.fleets import serverless
from embedded.services.sagemaker.serving.fleets.member import Member
from embedded.services.sagemaker.serving.fleets.plan import FleetPlan
from embedded.services.sagemaker.serving.fleets.serverless import ServerlessFleet
from embedded.services.sagemaker.serving.invocations import realtime
from embedded.services.sagemaker.serving.invocations.errors import ModelError
from tests.support.clouds.training_cloud import wait_until


def plan(**variant: Any) -> FleetPlan:
    return FleetPlan(
        account="1",
        region="r",
        endpoint="e",
        config="c",
        variant={"VariantName": "main", "InitialVariantWeight": 1.0, **variant},
        model={"ExecutionRoleArn": "role"},
        definitions=[{"Image": "i"}],
    )


class Slow:
    """An instance that becomes well when it is told to."""

    made: "list[Slow]" = []
    may_start = threading.Event()

    def __init__(self, *_: Any) -> None:
        self.id, self.state, self.setup_seconds = f"i-{len(self.made)}", "starting", 0.0
        self.starting, self.stopped = threading.Event(), False
        self.made.append(self)

    def start(self, check: Callable[[], None]) -> None:
        self.starting.set()
        self.may_start.wait(10)
        self.state = "well"

    def stop(self, grace_seconds: float | None = None) -> None:
        self.state, self.stopped = "stopped", True

    def drain(self, seconds: float) -> None:
        """Nothing is on its way."""


def test_a_cold_start_that_outlives_its_endpoint_leaves_no_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Slow, "made", [])
    monkeypatch.setattr(Slow, "may_start", threading.Event())
    monkeypatch.setattr(serverless, "Member", Slow)
    fleet = ServerlessFleet(plan(ServerlessConfig={"MemorySizeInMB": 1024, "MaxConcurrency": 2}), cast(Any, None))
    picked: list[Any] = []
    caller = threading.Thread(target=lambda: picked.append(fleet.pick()))
    caller.start()
    while not Slow.made or not Slow.made[0].starting.is_set():
        time.sleep(0.01)
    fleet.stop()
    Slow.may_start.set()
    caller.join(10)
    assert picked == [None] and fleet.members == []
    assert [one.stopped for one in Slow.made] == [True]
    assert fleet.pick() is None and len(Slow.made) == 1, "what is over starts nothing"


def test_idle_instances_end_by_the_clock_and_busy_ones_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Slow, "made", [])
    Slow.may_start.set()
    monkeypatch.setattr(serverless, "IDLE_SECONDS", 0.2)
    for module in (serverless, fleets):
        monkeypatch.setattr(module, "Member", Slow)
    fleet = ServerlessFleet(plan(ServerlessConfig={"MemorySizeInMB": 1024, "MaxConcurrency": 2}), cast(Any, None))
    fleet.grow(1)
    busy = fleet.pick()
    assert busy is not None and busy is fleet.members[0]
    time.sleep(0.5)
    assert busy.state == "well", "it has a request"
    fleet.release(busy)
    wait_until(lambda: fleet.members == [] and busy.state == "stopped", 20, "the end of the idle instance")
    assert fleet.pick() is fleet.members[0] is not busy, "the next request starts another one"
    fleet.stop()
    assert fleet._watch is not None
    fleet._watch.join(20)
    assert not fleet._watch.is_alive()


@pytest.fixture
def never_started(monkeypatch: pytest.MonkeyPatch) -> ModelContainer:
    """Its role is gone."""

    def gone(*_: Any) -> Any:
        raise ServiceError("AccessDenied", "the role is gone")

    monkeypatch.setattr(container.execution_role, "client", gone)
    spec = ContainerSpec(definition={"Image": "i"}, role_arn="role", region="r", log_group="g", log_stream="s")
    return ModelContainer(spec, cast(Any, None))


def test_a_container_that_cannot_be_started_has_ended(never_started: ModelContainer) -> None:
    """What has not ended would not be started again, and its instance be sick for ever."""
    with pytest.raises(NotWell, match="the role is gone"):
        never_started.start()
    assert never_started.has_ended
    never_started.stop(0)
    assert not never_started.folder.exists()


def test_a_stream_whose_error_breaks_off_is_a_models_error_and_frees_its_instance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, ended = Member(plan(), cast(Any, None)), []

    def chunks() -> Any:
        yield b"half of"
        raise NoAnswer("the connection broke")

    call = SimpleNamespace(member=one, container="container-1", open=lambda body: exchange)
    exchange = SimpleNamespace(status=500, headers={}, chunks=chunks)
    fleet = SimpleNamespace(pick=lambda _: one, release=lambda _: ended.append(1), plan=one.plan, count=1)
    monkeypatch.setattr(realtime, "last_call", lambda *_: (call, b""))
    monkeypatch.setattr(realtime, "measure", lambda *_: None)
    with pytest.raises(ModelError, match="broke off"):
        realtime._Stream(cast(Any, None), cast(Any, fleet), cast(Any, None), 0.0)
    assert one.outstanding == 0 and ended == [1]
