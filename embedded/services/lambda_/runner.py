"""A Lambda function's worker process: one invocation after the other, killed at its limits.

The memory limit is held against the process's own peak of resident memory, as Lambda does: RLIMIT_AS would count
address space that nobody uses, and RLIMIT_DATA would count every thread's stack in full.
"""

import contextlib
import json
import os
import queue
import select
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedded.services.lambda_ import function_process, worker

_INIT_SECONDS = 10.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionSpec:
    """All that decides what a worker process is; two invocations with equal specs may share one."""

    name: str
    """The function's name."""
    version: str
    """`$LATEST` or a number."""
    handler: str
    """`package.module.function`."""
    code: Path
    """The folder that holds the function's unpacked zip."""
    layers: Path | None
    """The folder that holds the unpacked zips of its layers."""
    memory_mb: int
    """The most resident memory that an invocation may reach."""
    environment: tuple[tuple[str, str], ...]
    """The whole environment of the process but its log stream."""


@dataclass(kw_only=True, slots=True)
class Outcome:
    """How one invocation ended."""

    payload: str
    """The JSON that the handler returned, or that describes its error."""
    failed: bool
    """Whether the payload is an error."""
    logs: list[tuple[int, str]]
    """The log events: milliseconds since the epoch, and text."""
    init_logs: list[tuple[int, str]]
    """The log events of a cold start, before the invocation began."""
    stream: str
    """The log stream of the worker."""
    duration_seconds: float
    """How long the handler ran."""
    init_seconds: float | None
    """How long a cold start took; None when the worker was warm."""
    peak_mb: int
    """The most memory that the worker held."""


class FunctionWorker:
    """One process that serves one function, one invocation after the other."""

    def __init__(self, spec: FunctionSpec) -> None:
        self.spec = spec
        self.stream = f"{time.strftime('%Y/%m/%d', time.gmtime())}/[{spec.version}]{os.urandom(16).hex()}"
        self.idle_since = 0.0
        self.init_seconds: float | None = None
        self._init_logs: list[tuple[int, str]] = []
        self._lines: queue.SimpleQueue[tuple[int, str] | None] = queue.SimpleQueue()
        self._partial = b""
        self._running = function_process.start(
            code=spec.code,
            layers=spec.layers,
            environment=dict(spec.environment) | {"AWS_LAMBDA_LOG_STREAM_NAME": self.stream},
        )
        self._process, self._results = self._running.process, self._running.answers
        threading.Thread(target=self._read_log, name=f"log-{spec.name}", daemon=True).start()

    def _read_log(self) -> None:
        assert self._process.stdout is not None
        for raw in self._process.stdout:
            text = raw.decode("utf-8", "replace").rstrip("\r\n").replace(worker.NEWLINE_IN_EVENT, "\n")
            self._lines.put((int(time.time() * 1000), text))
        self._lines.put(None)

    def start_up(self) -> Outcome | None:
        """Wait until the handler is loaded; an Outcome says why it is not."""
        begun = time.perf_counter()
        answer = self._await(time.monotonic() + _INIT_SECONDS)
        self.init_seconds = time.perf_counter() - begun
        if isinstance(answer, dict):
            self._init_logs = self._drain()
            return None
        return self._ended("", answer, begun, f"init did not end within {_INIT_SECONDS:.0f} seconds")

    def invoke(self, request: Mapping[str, Any]) -> Outcome:
        """Run the handler on one request, within its time and memory."""
        begun = time.perf_counter()
        self._forget_peak()
        deadline = time.monotonic() + float(request["timeout_seconds"])
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return self._ended(request["request_id"], "exit", begun, "")
        answer = self._await(deadline)
        if not isinstance(answer, dict):
            says = f"Task timed out after {float(request['timeout_seconds']):.2f} seconds"
            return self._ended(request["request_id"], answer, begun, says)
        failed = answer.get("error") is not None
        payload = json.dumps(answer["error"]) if failed else str(answer["payload"])
        return self._outcome(payload, failed, begun, self._drain(), self._peak_mb())

    def _await(self, deadline: float) -> dict[str, Any] | str:
        """The worker's next answer, or why there is none: `timeout`, `memory` or `exit`."""
        while True:
            if self._peak_mb() > self.spec.memory_mb:
                return "memory"
            left = deadline - time.monotonic()
            if left <= 0:
                return "timeout"
            if not select.select([self._results], [], [], min(_POLL_SECONDS, left))[0]:
                continue
            chunk = os.read(self._results, 1 << 20)
            if not chunk:
                return "exit"
            self._partial += chunk
            if self._partial.endswith(b"\n"):
                answer: dict[str, Any] = json.loads(self._partial)
                self._partial = b""
                return "memory" if self._peak_mb() > self.spec.memory_mb else answer

    def _ended(self, request_id: str, why: str, begun: float, says: str) -> Outcome:
        """The outcome of an invocation whose process is gone or has to go."""
        peak = self._peak_mb()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.5 if why == "exit" else 0)
        status = self._process.returncode
        self.close()
        logs = self._drain()
        if why == "timeout":
            error = {"errorType": "Sandbox.Timedout", "errorMessage": f"RequestId: {request_id} Error: {says}"}
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
            logs.append((int(time.time() * 1000), f"{stamp}.000Z {request_id} {says}"))
        else:
            ending = "signal: killed" if why == "memory" or status in (None, -9) else f"exit status {abs(status)}"
            text = f"RequestId: {request_id} Error: Runtime exited with error: {ending}"
            error = {"errorType": "Runtime.ExitError", "errorMessage": text}
            logs.append((int(time.time() * 1000), f"{text}\nRuntime.ExitError"))
        return self._outcome(json.dumps(error), True, begun, logs, min(peak, self.spec.memory_mb))

    def _outcome(self, payload: str, failed: bool, begun: float, logs: list[tuple[int, str]], peak: int) -> Outcome:
        init, self.init_seconds = self.init_seconds, None
        init_logs, self._init_logs = self._init_logs, []
        return Outcome(
            payload=payload,
            failed=failed,
            logs=logs,
            init_logs=init_logs,
            stream=self.stream,
            duration_seconds=time.perf_counter() - begun,
            init_seconds=init,
            peak_mb=peak,
        )

    def _drain(self) -> list[tuple[int, str]]:
        """The log events up to the mark that ends this invocation's, or up to the end of the process."""
        events: list[tuple[int, str]] = []
        while True:
            try:
                event = self._lines.get(timeout=2)
            except queue.Empty:
                return events
            if event is None or event[1] == worker.END_OF_LOG:
                break
            events.append(event)
        if events and not events[-1][1]:
            events.pop()
        return events

    def _status(self, key: str) -> int:
        try:
            for line in Path(f"/proc/{self._running.pid}/status").read_text().splitlines():
                if line.startswith(key):
                    return int(line.split()[1])
        except OSError:
            pass
        return 0

    def _peak_mb(self) -> int:
        """The most resident memory since the invocation began; 0 where there is no /proc (the limit is not held)."""
        return self._status("VmHWM:") // 1024

    def _forget_peak(self) -> None:
        with contextlib.suppress(OSError):
            Path(f"/proc/{self._running.pid}/clear_refs").write_text("5")

    @property
    def alive(self) -> bool:
        """Whether the process can serve another invocation."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the process and all that it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._results >= 0:
            os.close(self._results)
            self._results = -1
            with contextlib.suppress(OSError):
                assert self._process.stdin is not None
                self._process.stdin.close()
            self._running.remove_files()
