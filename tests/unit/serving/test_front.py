"""The front answers whatever comes, and is there for the next one."""

import asyncio
import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from serving.front.client import Client, Message
from serving.front.metrics import Metrics
from serving.front.models import Models
from serving.front.pool import Loaded, Pool
from serving.front.routes import Routes
from serving.settings import Settings

_JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=8),
    lambda part: some.lists(part, max_size=3) | some.dictionaries(some.text(max_size=4), part, max_size=3),
    max_leaves=6,
)


class Line:
    """What a connection has written."""

    def __init__(self) -> None:
        self.written = b""
        self.closed = False

    def write(self, data: bytes) -> None:
        assert not self.closed, "nothing follows the end"
        self.written += data

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    @property
    def statuses(self) -> list[int]:
        return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", self.written)]


def fronted(use: Callable[[Client, Line, Pool], Any], **changed: Any) -> Any:
    """One connection to a front whose workers never come."""

    async def run() -> Any:
        own = Settings(model_folder=Path("/nowhere"), **changed)
        pool = Pool(own, Metrics(), name="m", folder="/nowhere", workers=1, spawn=lambda _: False)
        models = Models(
            make_pool=lambda name, folder: pool,
            invoke=lambda pool, client, message: routes.invoke(pool, client, message),
            memory_bytes=0,
            is_up=lambda: True,
        )
        routes = Routes(own, is_up=lambda: True, pool=pool, models=models.handle, now=lambda: 0.0)
        client = Client(lambda who, what: routes.route(who, what), max_body=own.max_body, connections=set())
        line = Line()
        client.connection_made(line)
        return use(client, line, pool)

    return asyncio.run(run())


def post(path: str, body: bytes, headers: bytes = b"") -> bytes:
    return b"POST %b HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n%b\r\n%b" % (path.encode(), len(body), headers, body)


@pytest.mark.parametrize(
    "asked",
    [
        {"model_name": 7, "url": "/tmp"},
        {"model_name": ["a"], "url": "/tmp"},
        {"model_name": {}, "url": "/tmp"},
        {"model_name": None, "url": "/tmp"},
        {"model_name": "", "url": "/tmp"},
        {"model_name": "a\nb", "url": "/tmp"},
        {"model_name": "a" * 2000, "url": "/tmp"},
        {"model_name": "a", "url": 3},
        {"model_name": "a", "url": ""},
        {"model_name": "a"},
        ["model_name", "url"],
        "model_name",
        5,
        None,
    ],
)
def test_a_model_that_is_not_named_by_texts_is_refused(asked: object) -> None:
    def use(client: Client, line: Line, pool: Pool) -> None:
        client.data_received(post("/models", json.dumps(asked).encode()))
        assert line.statuses == [400] and b"both texts of 1 to 1024 letters" in line.written
        client.data_received(b"GET /ping HTTP/1.1\r\n\r\n")
        assert line.statuses == [400, 200], "the connection goes on"

    fronted(use)


def test_lists_in_lists_do_not_end_the_front() -> None:
    def use(client: Client, line: Line, pool: Pool) -> None:
        client.data_received(post("/models", b"[" * 200_000))
        assert line.statuses == [400]

    fronted(use)


@given(asked=_JSON | some.fixed_dictionaries({"model_name": _JSON, "url": _JSON}))
@settings(max_examples=60, deadline=None)
def test_any_json_is_answered(asked: object) -> None:
    def use(client: Client, line: Line, pool: Pool) -> None:
        client.data_received(post("/models", json.dumps(asked).encode()))
        assert line.statuses == [400] and not line.closed

    fronted(use)


@given(seed=some.integers(0, 2**32), noise=some.binary(max_size=200), cut=some.integers(0, 400))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_answered_or_waited_for(seed: int, noise: bytes, cut: int) -> None:
    chance = random.Random(seed)
    calls = [b"GET /ping HTTP/1.1\r\n\r\n", post("/models", b"{}"), post("/invocations", b"[1]"), noise]
    sent = b"".join(chance.choices(calls, k=5))
    sent = sent[:cut] + noise + sent[cut:]

    def use(client: Client, line: Line, pool: Pool) -> None:
        begin = 0
        while begin < len(sent) and not line.closed:
            size = chance.randint(1, 90)
            client.data_received(sent[begin : begin + size])
            begin += size
        assert set(line.statuses) <= {200, 400, 404, 405, 413, 431}
        client.connection_lost(None)
        assert pool.live == 0, "who has left is waited for by nobody"

    fronted(use)


@pytest.mark.parametrize(
    "head",
    [
        b"GET /ping HTTP/1.1\r\n" + b"X-Amzn-SageMaker-A: " + b"\xff" * 40_000 + b"\r\n\r\n",
        b"POST /invocations HTTP/1.1\r\nContent-Length: 0\r\n" + b"X-Amzn-SageMaker-A: aaaaaaaa\r\n" * 2000 + b"\r\n",
        b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /ping HTTP/1.1\r\nX: " + b"a" * 2_000_000,
    ],
    ids=["a-long-value", "many-headers", "a-long-path", "without-an-end"],
)
@pytest.mark.parametrize("size", [1 << 20, 1000])
def test_a_head_that_is_too_long_is_refused_once(head: bytes, size: int) -> None:
    def use(client: Client, line: Line, pool: Pool) -> None:
        for begin in range(0, len(head), size):
            if not line.closed:
                client.data_received(head[begin : begin + size])
        assert line.statuses == [431] and line.closed and pool.live == 0

    fronted(use)


def test_a_long_body_before_the_next_head_is_no_long_head() -> None:
    def use(client: Client, line: Line, pool: Pool) -> None:
        client.data_received(post("/models", b"x" * 100_000) + b"GET /ping HTTP/1.1\r\nX: ")
        client.data_received(b"a\r\n\r\n")
        assert line.statuses == [400, 200] and not line.closed

    fronted(use)


def test_a_status_without_a_name_is_handed_on() -> None:
    def use(client: Client, line: Line, pool: Pool) -> None:
        client.data_received(post("/invocations", b"[1]"))
        assert pool.live == 1 and client.request is not None
        client.reply(499, b"{}")
        assert line.written.startswith(b"HTTP/1.1 499 \r\n")

    fronted(use)


def test_a_pool_that_cannot_load_says_so() -> None:
    async def run() -> Loaded:
        own = Settings(model_folder=Path("/nowhere"))
        pool = Pool(own, Metrics(), name="m", folder="/nowhere", workers=1, spawn=lambda _: False)
        pool.could_not_load("ValueError: x")
        pool.left(pool.new_link(0))
        return await pool.loaded

    assert asyncio.run(run()).problem == "ValueError: x"


def test_messages_know_their_length() -> None:
    def use(client: Client, line: Line, pool: Pool) -> None:
        message = Message()
        message.size = 11
        assert client.too_large(message) == "the body has 11 bytes or more, and this container takes 10"

    fronted(use, max_body=10)
