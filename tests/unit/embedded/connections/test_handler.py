"""Connections from callers are kept, and what one request leaves behind never reaches the next."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from werkzeug.serving import make_server

from embedded.connections import handler
from embedded.connections.handler import Handler

Start = Callable[..., Any]
MEGABYTES = b"x" * (3 << 20)


def application(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Answers by the path; `/unread` looks at no body."""
    path = environ["PATH_INFO"]
    if path == "/fails":
        raise RuntimeError("before the head")
    if path == "/breaks":
        start("200 OK", [])
        return _breaks()
    if path == "/short":
        start("200 OK", [("Content-Length", "10")])
        return [b"four"]
    if path == "/stream":
        start("200 OK", [])
        return iter([b"one", b"", b"two"])
    if path == "/nothing":
        start("204 No Content", [])
        return []
    body = b"" if path == "/unread" else environ["wsgi.input"].read()
    said = json.dumps({"bytes": len(body), "thread": threading.get_ident()}).encode()
    start("200 OK", [("Content-Length", str(len(said)))])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [said]


def _breaks() -> Iterator[bytes]:
    yield b"a part"
    raise RuntimeError("in the middle")


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.port
    server.shutdown()
    server.server_close()


@pytest.fixture
def connection(port: int) -> Iterator[http.client.HTTPConnection]:
    made = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    yield made
    made.close()


def ask(connection: http.client.HTTPConnection, path: str, **fields: Any) -> tuple[http.client.HTTPResponse, bytes]:
    """One request; the answer and all of its body."""
    connection.request(fields.pop("method", "POST"), path, **fields)
    answer = connection.getresponse()
    return answer, answer.read()


def test_requests_of_one_connection_are_answered_by_one_thread(connection: http.client.HTTPConnection) -> None:
    _, first = ask(connection, "/", body=b"abc")
    opened = connection.sock
    assert opened is not None
    _, second = ask(connection, "/", body=iter([b"a", b"bcd"]), encode_chunked=True)
    assert connection.sock is opened
    assert json.loads(first)["bytes"] == 3 and json.loads(second)["bytes"] == 4
    assert json.loads(first)["thread"] == json.loads(second)["thread"]


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_nobody_read_is_not_taken_for_a_request(
    connection: http.client.HTTPConnection, chunked: bool
) -> None:
    body: Any = iter([b"GET /fails HTTP/1.1\r\n\r\n"]) if chunked else b"GET /fails HTTP/1.1\r\n\r\n"
    ask(connection, "/unread", body=body, encode_chunked=chunked)
    opened = connection.sock
    answer, said = ask(connection, "/", body=b"abcde")
    assert (answer.status, json.loads(said)["bytes"]) == (200, 5)
    assert opened is not None and connection.sock is opened


def test_a_long_body_that_nobody_read_ends_the_connection_after_the_answer(
    connection: http.client.HTTPConnection,
) -> None:
    answer, said = ask(connection, "/unread", body=MEGABYTES)
    assert (answer.status, answer.getheader("Connection")) == (200, "close")
    assert json.loads(said)["bytes"] == 0


def test_answers_without_a_length_come_in_chunks(connection: http.client.HTTPConnection) -> None:
    answer, said = ask(connection, "/stream")
    assert (answer.getheader("Transfer-Encoding"), said) == ("chunked", b"onetwo")
    opened = connection.sock
    assert ask(connection, "/nothing")[0].status == 204
    head, nothing = ask(connection, "/", method="HEAD")
    assert (head.getheader("Content-Length") is not None, nothing) == (True, b"")
    assert ask(connection, "/", body=b"")[0].status == 200
    assert opened is not None and connection.sock is opened


def test_an_old_caller_sees_the_end_of_an_answer_without_a_length(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 10) as caller:
        caller.sendall(b"GET /stream HTTP/1.0\r\n\r\n")
        said = b"".join(iter(lambda: caller.recv(1 << 16), b""))
    assert said.endswith(b"\r\n\r\nonetwo") and b"chunked" not in said


def test_an_application_that_fails_is_an_error_and_one_that_breaks_off_no_whole_answer(
    connection: http.client.HTTPConnection, caplog: pytest.LogCaptureFixture
) -> None:
    answer, _ = ask(connection, "/fails", body=b"abc")
    assert (answer.status, answer.getheader("Connection")) == (500, "close")
    with pytest.raises(http.client.IncompleteRead):
        ask(connection, "/breaks")
    connection.close()
    with pytest.raises(http.client.IncompleteRead):
        ask(connection, "/short")
    assert "the answer to POST /fails broke off" in caplog.text


def test_a_caller_that_waits_to_be_asked_for_its_body_is_asked_once(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 10) as caller:
        caller.sendall(b"PUT / HTTP/1.1\r\nHost: here\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert caller.recv(1 << 16) == b"HTTP/1.1 100 Continue\r\n\r\n"
        caller.sendall(b"abc")
        assert b'"bytes": 3' in caller.recv(1 << 16)


def test_an_idle_connection_ends(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler, "IDLE_SECONDS", 0.1)
    with socket.create_connection(("127.0.0.1", port), 10) as caller:
        began = time.monotonic()
        caller.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        assert b"200 OK" in caller.recv(1 << 16)
        assert caller.recv(1) == b""
        assert time.monotonic() - began >= 0.1
