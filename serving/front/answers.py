"""Bytes of HTTP answers."""

import json
from collections.abc import Mapping
from http import HTTPStatus

_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_JSON = "application/json"


def error(why: str, identity: str | None = None) -> bytes:
    """The body of an answer that says what was wrong."""
    return json.dumps({"error": why} if identity is None else {"error": why, "request": identity}).encode()


def whole(status: int, body: bytes, *, kind: str, headers: Mapping[str, str], closes: bool) -> bytes:
    """An answer in one piece."""
    line = _LINES.get(status) or b"HTTP/1.1 %d \r\n" % status  # a program may answer with a number that has no name
    return b"%bContent-Type: %b\r\nContent-Length: %d\r\n%b%b\r\n%b" % (
        line,
        (kind or _JSON).encode(),
        len(body),
        _more(headers) if headers else b"",
        b"Connection: close\r\n" if closes else b"",
        body,
    )


def head_of_parts(*, kind: str, headers: Mapping[str, str], closes: bool, chunked: bool) -> bytes:
    """The beginning of an answer in parts."""
    return b"%bContent-Type: %b\r\n%b%b%b\r\n" % (
        _LINES[200],
        (kind or _JSON).encode(),
        _more(headers),
        b"Transfer-Encoding: chunked\r\n" if chunked else b"",
        b"Connection: close\r\n" if closes else b"",
    )


def _more(headers: Mapping[str, str]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1", "replace")
