"""The client that talks to containers, against servers that misbehave."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from embedded.services.sagemaker.serving.containers.http import Client, NoAnswer, NotSent, TooLate

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def server(
    *answers: bytes, closes: bool, hung_up: threading.Semaphore | None = None
) -> Iterator[tuple[Client, list[int]]]:
    """Gives each request the next answer and, if it `closes`, then hangs up; the list counts connections."""
    listener, accepted, connections = socket.create_server(("127.0.0.1", 0)), [], []
    left = list(answers)

    def serve() -> None:
        while left:
            connection, _ = listener.accept()
            accepted.append(1)
            connections.append(connection)
            while left and _heard(connection):
                connection.sendall(left.pop(0))
                if closes:
                    connection.close()
                    if hung_up is not None:
                        hung_up.release()
                    break

    threading.Thread(target=serve, daemon=True).start()
    address = listener.getsockname()
    client = Client(lambda seconds: socket.create_connection(address, seconds))
    yield client, accepted
    client.close()
    listener.close()
    for connection in connections:
        connection.close()


def _heard(connection: socket.socket) -> bool:
    """A whole request, with its body of one byte."""
    heard = b""
    while not heard.endswith(b"\r\n\r\n1"):
        chunk = connection.recv(1 << 16)
        if not chunk:
            return False
        heard += chunk
    return True


def ask(client: Client) -> bytes:
    return client.ask("POST", "/invocations", body=b"1", seconds=5).body


def test_a_connection_is_used_again_while_the_other_side_keeps_it() -> None:
    with server(OK, OK, OK, closes=False) as (client, accepted):
        assert [ask(client) for _ in range(3)] == [b"ok"] * 3
        assert len(accepted) == 1


def test_a_connection_that_was_hung_up_while_idle_costs_no_request() -> None:
    hung_up = threading.Semaphore(0)
    with server(OK, OK, OK, closes=True, hung_up=hung_up) as (client, accepted):
        for _ in range(3):
            assert ask(client) == b"ok"
            assert hung_up.acquire(timeout=10)  # while nothing is asked: a request on its way may not be sent twice
        assert len(accepted) == 3


def test_a_body_that_ends_early_is_no_answer() -> None:
    with server(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", closes=True) as (client, _), pytest.raises(NoAnswer):
        ask(client)


def test_what_is_no_http_is_no_answer() -> None:
    with server(b"hello\r\n\r\n", closes=True) as (client, _), pytest.raises(NoAnswer):
        ask(client)


def test_a_refused_connection_says_that_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    client = Client(lambda seconds: socket.create_connection(address, seconds))
    with pytest.raises(NotSent):
        ask(client)


@pytest.mark.parametrize(
    ("answer", "body", "headers"),
    [
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;a=b\r\nfour\r\n3\r\nmor\r\n0\r\nC: d\r\n\r\n",
            b"fourmor",
            {"transfer-encoding": "chunked"},
        ),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nA: b\r\n  c\r\n\r\n", b"", {"a": "b c"}),
        (b"HTTP/1.1 200\r\nContent-Length:0\r\n\r\n", b"", {"content-length": "0"}),
    ],
)
def test_answers_of_every_form_leave_the_connection_to_the_next(
    answer: bytes, body: bytes, headers: dict[str, str]
) -> None:
    with server(answer, OK, closes=False) as (client, accepted):
        found = client.ask("POST", "/invocations", body=b"1", seconds=5)
        assert (found.body, dict(found.headers)) == (body, headers)
        assert (ask(client), len(accepted)) == (b"ok", 1)


@pytest.mark.parametrize("head", [b"HTTP/1.0 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"])
def test_an_answer_without_a_length_ends_with_its_connection(head: bytes) -> None:
    with server(head + b"all of it", OK, closes=True) as (client, accepted):
        assert [ask(client), ask(client)] == [b"all of it", b"ok"]
        assert len(accepted) == 2


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nfour", "5 bytes early"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfour\r\n", "a chunk cannot begin with"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok", "is no number"),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\nok", "without a colon"),
        (b"HTTP/1.1 200 OK\r\n", "the connection was closed"),
        (b"", "the connection was closed"),
    ],
)
def test_an_answer_that_is_broken_says_how(answer: bytes, says: str) -> None:
    with server(answer, closes=True) as (client, _), pytest.raises(NoAnswer, match=says):
        ask(client)


def test_a_header_cannot_begin_another_line() -> None:
    with server(OK, closes=True) as (client, _), pytest.raises(ValueError, match="a line's end"):
        client.ask("POST", "/invocations", body=b"1", headers={"A": "b\r\nHost: there"}, seconds=5)


@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"])
def test_an_answer_that_does_not_come_in_time_is_too_late(before: bytes) -> None:
    with server(before, closes=False) as (client, _), pytest.raises(TooLate):
        client.ask("POST", "/invocations", body=b"1", seconds=0.2)
