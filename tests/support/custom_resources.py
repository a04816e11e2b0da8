"""A CloudFormation that waits for the answers of custom resources, for tests of their handlers."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Answers:
    """Where answers go, and what arrived."""

    url: str
    received: list[dict[str, Any]] = field(default_factory=list)
    content_types: list[str | None] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    """Bytes of each answer."""
    refuse_first: int = 0
    """How many times the server fails before it takes an answer."""

    def event(self, kind: str, properties: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """What CloudFormation sends to a handler."""
        return {
            "RequestType": kind,
            "ResponseURL": self.url,
            "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/s/1",
            "RequestId": "request-1",
            "LogicalResourceId": "Thing",
            "ResourceType": "Custom::Thing",
            "ResourceProperties": {"ServiceToken": "arn:aws:lambda:x", "ServiceTimeout": "60", **(properties or {})},
            **more,
        }

    @property
    def only(self) -> dict[str, Any]:
        """The one answer that arrived."""
        assert len(self.received) == 1, self.received
        return self.received[0]


@dataclass
class Context:
    """Lambda's context, as far as handlers use it."""

    milliseconds: int = 30_000
    log_stream_name: str = "2026/11/21/[$LATEST]abc"

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


@contextmanager
def waiting_for_answers() -> Iterator[Answers]:
    """Serve a response address on the loopback interface."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Receiver)
    answers = Answers(url=f"http://127.0.0.1:{server.server_address[1]}/answer?signature=x")
    server.answers = answers  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield answers
    finally:
        server.shutdown()
        server.server_close()


class _Receiver(BaseHTTPRequestHandler):
    def do_PUT(self) -> None:
        answers: Answers = self.server.answers  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if answers.refuse_first > 0:
            answers.refuse_first -= 1
            self.send_response(503)
            self.end_headers()
            return
        answers.content_types.append(self.headers["Content-Type"])
        answers.sizes.append(len(body))
        answers.received.append(json.loads(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
