"""How requests and answers go over the wire."""

import socket

from embedded.process.running import SECRET_HEADER
from tests.cloud.conftest import Cloud

ALL = 1 << 16


def asked(cloud: Cloud, *more: str) -> tuple[socket.socket, bytes]:
    """A connection, and the head of a request whose body is read before it is answered."""
    lines = (
        "POST /_yard/status HTTP/1.1",
        f"Host: localhost:{cloud.state.port}",
        f"{SECRET_HEADER}: {cloud.state.secret}",
        "Content-Length: 2",
        *more,
    )
    line = socket.create_connection(("127.0.0.1", cloud.state.port), timeout=10)
    return line, "".join(f"{one}\r\n" for one in (*lines, "")).encode()


def test_a_caller_that_waits_for_leave_to_send_its_body_gets_it(cloud: Cloud) -> None:
    line, head = asked(cloud, "Expect: 100-continue")
    with line:
        line.sendall(head)
        assert line.recv(ALL).startswith(b"HTTP/1.1 100 ")
        line.sendall(b"{}")
        assert b"HTTP/1.1 200 " in line.recv(ALL)


def test_an_answers_head_and_body_arrive_together(cloud: Cloud) -> None:
    line, head = asked(cloud)
    with line:
        line.sendall(head + b"{}")
        answer = line.recv(ALL)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert answer.partition(b"\r\n\r\n")[2].endswith(b"}")
