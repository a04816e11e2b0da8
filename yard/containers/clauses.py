"""The clauses of the serving contract, each a sentence that a container keeps or breaks."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from contract.serving import (
    CONNECT_SECONDS,
    EXECUTION_PARAMETERS,
    INVOCATION_SECONDS,
    INVOCATIONS,
    PING,
    PING_SECONDS,
    STOP_SECONDS,
)
from yard.containers.running import Container, Running

_MOST_BODY = 6 << 20
_CLIENTS = 8
_LOAD_SECONDS = 2.0
_PARAMETERS = {"MaxConcurrentTransforms", "BatchStrategy", "MaxPayloadInMB"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """One clause, and what came of it."""

    clause: str
    """The sentence."""
    is_kept: bool | None
    """None: it could not be looked at."""
    found: str = ""
    """What was seen."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """A request that the model can answer."""

    body: bytes
    """Its body."""
    kind: str
    """Its content type."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What came back."""

    status: int
    body: bytes
    seconds: float


def check(container: Container, sample: Sample | None, *, start_seconds: float) -> Iterator[Verdict]:
    """Look at every clause, in the order of a container's life."""
    well = starts(container, start_seconds)
    yield well
    if not well.is_kept:
        return
    yield _connects(container)
    yield from _pings(container)
    yield _parameters(container)
    yield from _invocations(container, sample)
    yield from _stops(container, sample)


def _ask(container: Container, method: str, path: str, sample: Sample | None = None, *, limit: float) -> Reply:
    began = time.monotonic()
    connection = http.client.HTTPConnection(container.host, container.port, timeout=limit)
    try:
        body = None if sample is None else sample.body
        connection.request(method, path, body, {} if sample is None else {"Content-Type": sample.kind})
        answer = connection.getresponse()
        return Reply(status=answer.status, body=answer.read(), seconds=time.monotonic() - began)
    finally:
        connection.close()


def _tried(clause: str, look: Callable[[], tuple[bool, str]]) -> Verdict:
    try:
        is_kept, found = look()
    except (OSError, http.client.HTTPException) as error:
        return Verdict(clause=clause, is_kept=False, found=f"no answer: {error or type(error).__name__}")
    return Verdict(clause=clause, is_kept=is_kept, found=found)


def starts(container: Container, start_seconds: float) -> Verdict:
    """Whether it becomes ready in time; waits for it."""
    clause = f"Started with the argument serve, GET {PING} answers 200 within {start_seconds:g} s."
    began = time.monotonic()
    seen = "nothing listened at the port"
    while time.monotonic() - began < start_seconds:
        if not container.is_alive():
            return Verdict(clause=clause, is_kept=False, found=f"it ended by itself:\n{container.last_lines()}")
        try:
            reply = _ask(container, "GET", PING, limit=PING_SECONDS)
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
            continue
        if reply.status == 200:
            return Verdict(clause=clause, is_kept=True, found=f"after {time.monotonic() - began:.1f} s")
        seen = f"the last answer was {reply.status}"
        time.sleep(0.1)
    return Verdict(clause=clause, is_kept=False, found=f"{seen}:\n{container.last_lines()}")


def _connects(container: Container) -> Verdict:
    def look() -> tuple[bool, str]:
        began = time.monotonic()
        connection = http.client.HTTPConnection(container.host, container.port, timeout=INVOCATION_SECONDS)
        connection.connect()
        seconds = time.monotonic() - began
        connection.close()
        return seconds <= CONNECT_SECONDS, f"{1000 * seconds:.0f} ms"

    return _tried(f"A connection is accepted within {1000 * CONNECT_SECONDS:.0f} ms.", look)


def _pings(container: Container) -> Iterator[Verdict]:
    def empty() -> tuple[bool, str]:
        reply = _ask(container, "GET", PING, limit=PING_SECONDS)
        return reply.status == 200 and not reply.body, f"{len(reply.body)} bytes"

    yield _tried(f"A good {PING} has an empty body.", empty)


def _parameters(container: Container) -> Verdict:
    def look() -> tuple[bool, str]:
        reply = _ask(container, "GET", EXECUTION_PARAMETERS, limit=PING_SECONDS)
        if reply.status != 200:
            return 400 <= reply.status < 500, f"{reply.status}: batch transform takes its defaults"
        try:
            found = json.loads(reply.body)
        except ValueError:
            return False, "the body is no JSON"
        missing = sorted(_PARAMETERS - found.keys()) if isinstance(found, dict) else sorted(_PARAMETERS)
        return not missing, f"it lacks {', '.join(missing)}" if missing else json.dumps(found)

    sentence = f"GET {EXECUTION_PARAMETERS} tells batch transform what to send, or answers 4xx."
    return _tried(sentence, look)


def _invocations(container: Container, sample: Sample | None) -> Iterator[Verdict]:
    large = Sample(body=b" " * _MOST_BODY, kind="application/json")

    def takes_large() -> tuple[bool, str]:
        reply = _ask(container, "POST", INVOCATIONS, large, limit=INVOCATION_SECONDS)
        return reply.status != 413, f"{reply.status} in {reply.seconds:.2f} s"

    def lives() -> tuple[bool, str]:
        wrong = Sample(body=b'{"', kind="application/json")
        status = _ask(container, "POST", INVOCATIONS, wrong, limit=INVOCATION_SECONDS).status
        after = _ask(container, "GET", PING, limit=PING_SECONDS).status
        return status >= 400 and after == 200, f"{status}, and then {PING} {after}"

    answers = f"POST {INVOCATIONS} answers the sample with 200 within {INVOCATION_SECONDS:g} s."
    busy = f"GET {PING} answers within {PING_SECONDS:g} s while {_CLIENTS} clients invoke."
    if sample is None:
        for clause in (answers, busy):
            yield Verdict(clause=clause, is_kept=None, found="give a request that the model can answer: --body FILE")
    else:
        given = sample

        def answers_sample() -> tuple[bool, str]:
            reply = _ask(container, "POST", INVOCATIONS, given, limit=INVOCATION_SECONDS)
            shown = "" if reply.status == 200 else f": {reply.body[:200].decode(errors='replace')}"
            return reply.status == 200, f"{reply.status} in {1000 * reply.seconds:.0f} ms{shown}"

        yield _tried(answers, answers_sample)
        yield _tried(busy, lambda: _pings_while_busy(container, given))
    yield _tried(
        f"A body of {_MOST_BODY} bytes, the most that an endpoint sends, is not refused for its size.", takes_large
    )
    yield _tried("A body that cannot be read is answered with an error, and the container lives on.", lives)


def _pings_while_busy(container: Container, sample: Sample) -> tuple[bool, str]:
    load = _Load(container, sample)
    worst, end = 0.0, time.monotonic() + _LOAD_SECONDS
    try:
        while time.monotonic() < end:
            worst = max(worst, _ask(container, "GET", PING, limit=2 * PING_SECONDS).seconds)
    finally:
        load.stop()
    return worst <= PING_SECONDS and not load.failed, f"{1000 * worst:.0f} ms at worst, {load.told()}"


def _stops(container: Container, sample: Sample | None) -> Iterator[Verdict]:
    ends = f"SIGTERM ends it within {STOP_SECONDS:g} s."
    loses = "What is under way when SIGTERM comes is answered."
    if isinstance(container, Running):
        for clause in (ends, loses):
            yield Verdict(clause=clause, is_kept=None, found="somebody else has started it")
        return
    load = None if sample is None else _Load(container, sample)
    time.sleep(_LOAD_SECONDS / 4)
    seconds = container.stop(STOP_SECONDS)
    if load is not None:
        load.stop()
    yield Verdict(clause=ends, is_kept=seconds is not None, found="" if seconds is None else f"after {seconds:.1f} s")
    if load is None:
        yield Verdict(clause=loses, is_kept=None, found="give a request that the model can answer: --body FILE")
    else:
        yield Verdict(clause=loses, is_kept=not load.broken, found=load.told())


class _Load:
    """Clients that invoke until told to stop; one that is no longer let in stops by itself."""

    def __init__(self, container: Container, sample: Sample) -> None:
        self.answered = 0
        self.failed = 0
        """Answered, and not with 200."""
        self.broken = 0
        """Sent, and never answered."""
        self._container, self._sample = container, sample
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(_CLIENTS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End all clients."""
        self._stop.set()
        for thread in self._threads:
            thread.join(INVOCATION_SECONDS)

    def told(self) -> str:
        """What they saw."""
        return f"{self.answered} answered, {self.failed} with an error, {self.broken} lost"

    def _run(self) -> None:
        while not self._stop.is_set():
            connection: Any = http.client.HTTPConnection(
                self._container.host, self._container.port, timeout=INVOCATION_SECONDS
            )
            try:
                connection.connect()
            except OSError:
                return
            try:
                connection.request("POST", INVOCATIONS, self._sample.body, {"Content-Type": self._sample.kind})
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                with self._lock:
                    self.broken += 1
            else:
                with self._lock:
                    self.answered += 1
                    self.failed += answer.status != 200
            finally:
                connection.close()
