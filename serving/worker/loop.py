"""One worker: takes frames from the front, asks the handler, and sends frames back. It has one thread."""

import json
import os
import select
import socket
import traceback
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from contract.refusal import RequestError
from serving import frames, log
from serving.ask import Answer, Ask, Parts
from serving.engines.tokens import TokenHandler
from serving.handler import Handler, refusal
from serving.settings import Settings

_READ_BYTES = 1 << 20


class Worker:
    """The line to the front, and the requests that have come over it."""

    def __init__(self, line: socket.socket) -> None:
        self.line = line
        self._buffer = bytearray()
        self.waiting: deque[Ask] = deque()
        self.cancelled: set[int] = set()
        """Requests under way that nobody waits for any more."""
        self._under_way: frozenset[int] = frozenset()

    def tell_failure(self, problem: str) -> None:
        """Say why this worker will not answer."""
        self.line.sendall(frames.pack(0, frames.FAILED, problem.encode()))

    def tell_ready(self, handler: Handler | TokenHandler, *, slots: int, keeps_time: bool) -> None:
        """Say that the model is there, and how it is asked: `slots` requests may be under way side by side, or 0."""
        about = {
            "handler": handler.name,
            "batch": handler.batch,
            "slots": slots,
            "many_records": handler.many_records,
            "keeps_time": keeps_time,
            "ranks": handler.ranks if isinstance(handler, TokenHandler) else 1,
        }
        self.line.sendall(frames.pack(0, frames.READY, json.dumps(about).encode()))
        log.say(f"worker {os.getpid()} serves with {handler.name}")

    def serve(self, handler: Handler, settings: Settings) -> None:
        """Answer until the front is gone."""
        self.tell_ready(handler, slots=0, keeps_time=False)
        most = min(handler.batch, settings.batch or handler.batch)
        while True:
            asks = self._next(most)
            self.under_way(ask.number for ask in asks)
            if len(asks) == 1:
                self.send([self._one(handler, asks[0])])
            else:
                self.send(self._many(handler, asks))
            self.under_way(())

    # ---- frames

    def take(self, *, block: bool) -> None:
        """Read what has come; wait for it where there is nothing to do."""
        if not block and not select.select([self.line], [], [], 0)[0]:
            return
        data = self.line.recv(_READ_BYTES)
        if not data:
            os._exit(0)
        self._buffer += data
        for number, kind, payload in frames.take(self._buffer):
            if kind == frames.CANCEL:
                self._cancel(number)
            else:
                self.waiting.append(_ask(number, kind, payload))

    def under_way(self, numbers: Iterable[int]) -> None:
        """What is being answered: its cancellation is acknowledged at its end, whatever that is."""
        self._under_way = frozenset(numbers)
        self.cancelled &= self._under_way

    def send(self, answered: Sequence[bytes]) -> None:
        """Send frames, at once."""
        self.line.sendall(b"".join(answered))

    def _cancel(self, number: int) -> None:
        for ask in self.waiting:
            if ask.number == number:
                self.waiting.remove(ask)
                self.send([frames.pack(number, frames.DROPPED)])
                return
        if number in self._under_way:
            self.cancelled.add(number)
        # One that was answered meanwhile needs no word: its answer has told the front

    def _next(self, most: int) -> list[Ask]:
        """What is answered next: all that came while the last was answered, up to a batch's size."""
        while not self.waiting:
            self.take(block=True)
        self.take(block=False)
        asks: list[Ask] = []
        while self.waiting and len(asks) < most and not (asks and self.waiting[0].alone):
            asks.append(self.waiting.popleft())
            if asks[-1].alone:
                break
        return asks if asks else self._next(most)

    # ---- answers

    def _many(self, handler: Handler, asks: Sequence[Ask]) -> list[bytes]:
        try:
            answers = handler.answer_many(asks)
        except Exception:
            # One bad row must not fail its neighbours
            return [self._one(handler, ask) for ask in asks]
        return [self._sent(ask, answer) for ask, answer in zip(asks, answers, strict=True)]

    def _one(self, handler: Handler, ask: Ask) -> bytes:
        try:
            return self._sent(ask, handler.answer(ask))
        except Exception as error:
            return told(error, ask)

    def _sent(self, ask: Ask, answer: Answer | Parts) -> bytes:
        return packed(ask, answer) if isinstance(answer, Answer) else self._stream(ask, answer)

    def _stream(self, ask: Ask, answer: Parts) -> bytes:
        """Send parts as they are made, until the client leaves; returns what ends them."""
        has_begun = False
        try:
            parts = answer.parts
            assert isinstance(parts, Iterator)
            for part in parts:
                begin = b"" if has_begun else begun(ask, answer)
                has_begun = True
                self.send([begin, frames.pack(ask.number, frames.CHUNK, part)])
                self.take(block=False)
                if ask.number in self.cancelled:
                    return frames.pack(ask.number, frames.DROPPED)
        except Exception as error:
            return broken(ask) if has_begun else told(error, ask)
        finally:
            close = getattr(answer.parts, "close", None)
            if close is not None:
                close()
        return (b"" if has_begun else begun(ask, answer)) + frames.pack(ask.number, frames.END)


def _ask(number: int, kind: int, payload: bytes) -> Ask:
    _, fields, body = frames.parts(payload)
    return Ask(
        number=number,
        kind=fields.pop("type"),
        accept=fields.pop("accept"),
        identity=fields.pop("id"),
        headers=fields,
        body=body,
        alone=kind == frames.ASK_ALONE,
    )


def packed(ask: Ask, answer: Answer) -> bytes:
    """A whole answer's frame."""
    fields = {"type": answer.kind, **answer.headers}
    return frames.pack(ask.number, frames.ANSWER, frames.with_meta(answer.status, fields, answer.body))


def begun(ask: Ask, answer: Parts) -> bytes:
    """The frame before the first part of an answer."""
    fields = {"type": answer.kind, **answer.headers}
    return frames.pack(ask.number, frames.START, frames.with_meta(200, fields, b""))


def told(error: BaseException, ask: Ask) -> bytes:
    """The answer to a request that failed. Of what a model raised, the class: its message may hold anything."""
    if isinstance(error, RequestError):
        return packed(ask, refusal(error, ask))
    log.say(f"request {ask.identity} failed:\n{traceback.format_exc()}")
    status = getattr(error, "status_code", 500)
    known = status if isinstance(status, int) and 400 <= status < 500 else 500
    body = json.dumps({"error": f"the model failed: {type(error).__name__}", "request": ask.identity}).encode()
    return packed(ask, Answer(status=known, body=body))


def broken(ask: Ask) -> bytes:
    """What ends an answer that failed after it had begun."""
    log.say(f"request {ask.identity} failed within its answer:\n{traceback.format_exc()}")
    return frames.pack(ask.number, frames.BROKEN)
