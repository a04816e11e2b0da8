"""A program whose functions wait has several requests under way in one worker, and no request waits for another."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from contract import variables
from tests.support.serving.server import Said, Server, started, until, write_program

SLOTS = 4
PROGRAM = """
import asyncio, json, os, time

state = {"now": 0, "most": 0}

async def model_fn(folder):
    await asyncio.sleep(0)
    return os.getpid()

async def input_fn(data, content_type):
    return json.loads(data)

async def predict_fn(data, model):
    if data == "state":
        return {**state, "loaded_in": model, "pid": os.getpid()}
    if data == "die":
        os._exit(9)
    if data == "block":
        time.sleep(60)
    if data == "raise":
        raise KeyError("hunter2")
    if data == "cancels":
        raise asyncio.CancelledError
    if "stream" in data:
        return made(data["stream"])
    state["now"] += 1
    state["most"] = max(state["most"], state["now"])
    try:
        await asyncio.sleep(data["wait"])
        return data
    finally:
        state["now"] -= 1
        open(os.environ["LEFT"], "a").write("x")

async def made(count):
    try:
        for number in range(count):
            await asyncio.sleep(0.02)
            yield {"n": number}
    finally:
        open(os.environ["LEFT"], "a").write("s")
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    base = write_program(tmp_path_factory.mktemp("concurrent"), PROGRAM)
    (base / "left").write_text("")
    environ = {
        "LEFT": str(base / "left"),
        variables.SERVING_SLOTS: str(SLOTS),
        "SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS": "8",
    }
    with started(base, environ) as running:
        yield running


def left(server: Server) -> str:
    return (server.log.parent / "left").read_text()


def at_once(server: Server, asked: list[Any]) -> list[Said]:
    found: dict[int, Said] = {}

    def one(number: int) -> None:
        found[number] = server.invoke(json.dumps(asked[number]).encode())

    threads = [threading.Thread(target=one, args=(number,)) for number in range(len(asked))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [found[number] for number in range(len(asked))]


def leave(server: Server, asked: Any, *, lines: int) -> None:
    """Ask, read some lines, and go."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request("POST", "/invocations", json.dumps(asked), {"Content-Type": "application/json"})
    if lines:
        answer = connection.getresponse()
        for _ in range(lines):
            answer.readline()
        answer.close()
    else:
        time.sleep(0.5)
    connection.close()


def test_several_are_under_way_and_no_more_than_there_are_slots(server: Server) -> None:
    began = time.monotonic()
    found = at_once(server, [{"wait": 1 + number / 100} for number in range(2 * SLOTS)])
    seconds = time.monotonic() - began
    assert [said.json["wait"] for said in found] == [1 + number / 100 for number in range(2 * SLOTS)]
    assert 2 <= seconds < SLOTS, f"two rounds of a second took {seconds:.1f} s; one after the other takes {2 * SLOTS}"
    state = server.invoke(b'"state"').json
    assert state["most"] == SLOTS and state["now"] == 0
    assert state["loaded_in"] != state["pid"], "the model was loaded before the fork, in an event loop of its own"


def test_who_leaves_is_cancelled_and_its_place_is_free(server: Server) -> None:
    before = left(server)
    for _ in range(SLOTS + 1):
        leave(server, {"wait": 7}, lines=0)
    until(lambda: left(server).count("x") == before.count("x") + SLOTS + 1, seconds=5)
    leave(server, {"stream": 10_000}, lines=2)
    until(lambda: left(server).count("s") == before.count("s") + 1, seconds=5)
    assert server.invoke(b'{"wait": 0}').status == 200


def test_streams_and_answers_run_side_by_side(server: Server) -> None:
    found = at_once(server, [{"stream": 30}, {"wait": 0.2}, {"stream": 20}, "raise", "cancels"])
    assert [json.loads(line)["n"] for line in found[0].body.splitlines()] == list(range(30))
    assert [json.loads(line)["n"] for line in found[2].body.splitlines()] == list(range(20))
    assert found[1].json == {"wait": 0.2}
    assert [said.status for said in found[3:]] == [500, 500]
    assert found[3].json["error"] == "the model failed: KeyError"
    assert found[4].json["error"] == "the model failed: CancelledError"


@pytest.mark.slow
def test_a_late_one_is_ended_alone(server: Server) -> None:
    pids = server.workers()
    found = at_once(server, [{"wait": 30}, {"wait": 7}, {"wait": 0.1}])
    assert [said.status for said in found] == [504, 200, 200]
    assert "did not answer within 8 s" in found[0].json["error"] and server.workers() == pids


def test_one_that_kills_the_worker_is_alone_the_second_time(server: Server) -> None:
    found = at_once(server, [{"wait": 1}, "die", {"wait": 1.5}])
    assert [said.status for said in found] == [200, 500, 200]
    assert found[1].json["error"] == "the worker that had the request died"


@pytest.mark.slow
def test_one_that_blocks_the_loop_is_ended_with_its_worker(server: Server) -> None:
    pids = server.workers()
    assert server.invoke(b'"block"').status == 504
    until(lambda: server.workers() not in ([], pids))
    assert server.invoke(b'{"wait": 0}').status == 200
