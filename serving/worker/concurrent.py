"""Several requests under way in one worker: while one waits for something, the others go on."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import partial

from contract.refusal import RequestError
from serving import frames, log
from serving.ask import Answer, Ask, Parts
from serving.settings import Settings
from serving.worker.loop import Worker, begun, broken, packed, told
from serving.worker.program import ProgramHandler


def serve(worker: Worker, handler: ProgramHandler, settings: Settings) -> None:
    """Answer in an event loop until the front is gone."""
    worker.tell_ready(handler, slots=settings.slots, keeps_time=True)
    asyncio.run(_Concurrent(worker, handler, settings).run())


class _Concurrent:
    def __init__(self, worker: Worker, handler: ProgramHandler, settings: Settings) -> None:
        self._worker = worker
        self._handler = handler
        self._most = settings.slots
        self._limit = settings.limit_seconds
        self._tasks: dict[int, asyncio.Task[bytes]] = {}
        self._has_one_alone = False

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        ends: asyncio.Future[None] = loop.create_future()
        loop.add_reader(self._worker.line, self._read, ends)
        await ends

    def _read(self, ends: "asyncio.Future[None]") -> None:
        try:
            self._worker.take(block=False)
            for number in self._worker.cancelled & self._tasks.keys():
                self._tasks[number].cancel()
            self._start()
        except Exception as error:  # the loop would log it and wait for ever
            ends.set_exception(error)

    def _start(self) -> None:
        """Begin what there is room for; what was in a worker that died is alone in this one."""
        waiting = self._worker.waiting
        while waiting and len(self._tasks) < self._most and not self._has_one_alone:
            if waiting[0].alone and self._tasks:
                break
            ask = waiting.popleft()
            self._has_one_alone = ask.alone
            task = self._tasks[ask.number] = asyncio.create_task(self._run(ask))
            task.add_done_callback(partial(self._end, ask))
        self._worker.under_way(self._tasks)

    async def _run(self, ask: Ask) -> bytes:
        try:
            return await self._answer(ask)
        except asyncio.CancelledError as error:
            if ask.number in self._worker.cancelled:
                raise
            return told(error, ask)
        except Exception as error:
            return told(error, ask)

    def _end(self, ask: Ask, task: "asyncio.Task[bytes]") -> None:
        """Say what came of a request; one that was cancelled before its first step has never run."""
        self._worker.send([frames.pack(ask.number, frames.DROPPED) if task.cancelled() else task.result()])
        del self._tasks[ask.number]
        self._has_one_alone = False
        self._start()

    async def _answer(self, ask: Ask) -> bytes:
        try:
            async with asyncio.timeout(self._limit) as limit:
                answer = await self._handler.answer_later(ask)
        except TimeoutError:
            return self._too_late(ask) if limit.expired() else told(TimeoutError(), ask)
        return packed(ask, answer) if isinstance(answer, Answer) else await self._stream(ask, answer)

    def _too_late(self, ask: Ask) -> bytes:
        log.say(f"request {ask.identity} was under way for {self._limit:g} s and is ended")
        return told(RequestError(f"the model did not answer within {self._limit:g} s", 504), ask)

    async def _stream(self, ask: Ask, answer: Parts) -> bytes:
        """Send parts as they are made; returns what ends them."""
        made = answer.parts if isinstance(answer.parts, AsyncIterator) else _in_turns(answer.parts)
        has_begun = False
        try:
            while True:
                async with asyncio.timeout(self._limit):
                    part = await anext(made, None)
                if part is None:
                    break
                begin = b"" if has_begun else begun(ask, answer)
                has_begun = True
                self._worker.send([begin, frames.pack(ask.number, frames.CHUNK, part)])
        except Exception as error:
            return broken(ask) if has_begun else told(error, ask)
        finally:
            close = getattr(made, "aclose", None)
            if close is not None:
                await close()
        return (b"" if has_begun else begun(ask, answer)) + frames.pack(ask.number, frames.END)


async def _in_turns(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    """A generator that never waits: others have their turn after each part."""
    try:
        for one in parts:
            yield one
            await asyncio.sleep(0)
    finally:
        close = getattr(parts, "close", None)
        if close is not None:
            close()
