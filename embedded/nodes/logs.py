"""Sends a node's output to CloudWatch Logs, line by line, while it runs."""

import logging
import os
import re
import select
import threading
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

_READ_BYTES = 1 << 16
_LINE_BYTES_MOST = 256 * 1024 - 26
_EVENTS_MOST = 10_000
_BATCH_BYTES_MOST = 900_000
_FLUSH_SECONDS = 0.3
_EVENT_OVERHEAD_BYTES = 26
_LINE_END = re.compile(rb"\r?\n")

log = logging.getLogger(__name__)
LineListener = Callable[[str, float], None]


def _character_start(text: bytes, at: int) -> int:
    """The nearest cut at or before `at` (by at most three bytes) that does not split a UTF-8 character."""
    return next((cut for cut in range(at, at - 4, -1) if text[cut] & 0xC0 != 0x80), at)


class LogStream(threading.Thread):
    """Reads one node's output until it ends, and sends it to its own log stream."""

    def __init__(self, client: Any, group: str, stream: str, output: int, on_line: LineListener) -> None:
        super().__init__(name=f"log {stream}", daemon=True)
        self._client, self._group, self._stream = client, group, stream
        self._output, self._on_line = output, on_line
        self._waiting: list[dict[str, Any]] = []
        self._waiting_bytes = 0
        self._rest = b""
        self._works = True

    def run(self) -> None:
        """Read and send until the last process that holds the node's output closes it."""
        self._call("create_log_group", ignore="ResourceAlreadyExistsException", logGroupName=self._group)
        self._call("create_log_stream", logGroupName=self._group, logStreamName=self._stream)
        last_flush = 0.0
        while True:
            due = last_flush + _FLUSH_SECONDS - time.monotonic()
            ready, _, _ = select.select([self._output], [], [], max(0.0, due) if self._waiting else None)
            if ready:
                chunk = os.read(self._output, _READ_BYTES)
                if not chunk:
                    break
                self._take(chunk)
            if self._waiting and (time.monotonic() - last_flush >= _FLUSH_SECONDS or self._is_full()):
                self._flush()
                last_flush = time.monotonic()
        os.close(self._output)
        if self._rest:
            self._add(self._rest)
        self._flush()

    def _take(self, chunk: bytes) -> None:
        *lines, self._rest = _LINE_END.split(self._rest + chunk)
        for line in lines:
            self._add(line)
        while len(self._rest) > _LINE_BYTES_MOST:
            end = _character_start(self._rest, _LINE_BYTES_MOST)
            self._add(self._rest[:end])
            self._rest = self._rest[end:]

    def _add(self, raw: bytes) -> None:
        moment = time.time()
        line = raw.decode("utf-8", errors="replace")
        self._on_line(line, moment)
        if line.strip():
            # CloudWatch Logs refuses empty events
            self._waiting.append({"timestamp": int(moment * 1000), "message": line})
            self._waiting_bytes += len(raw) + _EVENT_OVERHEAD_BYTES

    def _is_full(self) -> bool:
        return len(self._waiting) >= _EVENTS_MOST or self._waiting_bytes >= _BATCH_BYTES_MOST

    def _flush(self) -> None:
        while self._waiting:
            batch = self._waiting[:_EVENTS_MOST]
            while sum(len(event["message"].encode()) for event in batch) > _BATCH_BYTES_MOST and len(batch) > 1:
                batch = batch[: len(batch) // 2]
            del self._waiting[: len(batch)]
            self._call("put_log_events", logGroupName=self._group, logStreamName=self._stream, logEvents=batch)
        self._waiting_bytes = 0

    def _call(self, name: str, *, ignore: str = "", **parameters: Any) -> None:
        """Call the service. As on AWS, a role that may not write logs does not fail the job: there are just no logs."""
        if not self._works:
            return
        try:
            getattr(self._client, name)(**parameters)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code != ignore:
                log.warning("%s: no logs: %s", self._stream, error)
                self._works = code not in ("AccessDenied", "AccessDeniedException", "ResourceNotFoundException")
        except BotoCoreError as error:
            log.warning("%s: some lines are lost: %s", self._stream, error)
