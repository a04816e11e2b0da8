"""A burst of invocations shares the workers that come back; one that waits for none of them gets its own."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from embedded.services.lambda_ import pool
from embedded.services.lambda_.pool import FunctionPool
from embedded.services.lambda_.runner import FunctionSpec


def _spec(name: str) -> FunctionSpec:
    return FunctionSpec(
        name=name,
        version="$LATEST",
        handler="index.handler",
        code=Path("/code"),
        layers=None,
        memory_mb=128,
        environment=(),
    )


class Worker:
    """Sleeps as long as a request says, or ends at its start where the function's name says so."""

    started = 0

    def __init__(self, spec: FunctionSpec) -> None:
        type(self).started += 1
        self.spec, self.alive, self.idle_since = spec, True, 0.0

    def start_up(self) -> str | None:
        self.alive = self.spec.name != "broken"
        return None if self.alive else "no start"

    def invoke(self, request: dict[str, Any]) -> str:
        time.sleep(request["seconds"])
        self.alive = not request.get("dies")
        return "done"

    def close(self) -> None:
        self.alive = False


@pytest.fixture
def functions(monkeypatch: pytest.MonkeyPatch) -> Iterator[FunctionPool]:
    monkeypatch.setattr(pool, "FunctionWorker", Worker)
    monkeypatch.setattr(pool, "_PROCESSORS", 2)
    monkeypatch.setattr(pool, "BUSY_FEW", 2)
    monkeypatch.setattr(Worker, "started", 0)
    yield FunctionPool()


def _invoke(functions: FunctionPool, name: str = "f", **request: Any) -> Any:
    return functions.invoke(_spec(name), request)


def _burst(functions: FunctionPool, count: int, **request: Any) -> list[Any]:
    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(lambda _: _invoke(functions, **request), range(count)))


def test_a_burst_shares_the_workers_that_come_back(functions: FunctionPool) -> None:
    assert _burst(functions, 40, seconds=0.01) == ["done"] * 40
    assert Worker.started == 2


def test_who_waits_for_workers_that_stay_busy_gets_one_of_its_own(
    functions: FunctionPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "PATIENCE_SECONDS", 0.05)
    began = time.monotonic()
    assert _burst(functions, 6, seconds=1.0) == ["done"] * 6
    assert Worker.started == 6
    assert time.monotonic() - began < 1.9


def test_a_function_that_calls_itself_does_not_wait_for_itself(
    functions: FunctionPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nested(worker: Worker, request: dict[str, Any]) -> Any:
        return _invoke(functions, depth=request["depth"] - 1) if request["depth"] else "the innermost"

    monkeypatch.setattr(Worker, "invoke", nested)
    assert _invoke(functions, depth=4) == "the innermost"


def test_workers_that_end_make_room(functions: FunctionPool) -> None:
    assert _burst(functions, 10, seconds=0.01, dies=True) == ["done"] * 10
    assert [_invoke(functions, "broken") for _ in range(5)] == ["no start"] * 5
    assert functions._crowds == {}
    assert functions._idle == []
