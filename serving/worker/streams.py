"""Answers that are made token by token: streams that advance together, a token each at a time."""

from serving import frames
from serving.ask import Answer, Ask, Parts
from serving.engines.tokens import TokenHandler
from serving.worker.loop import Worker, begun, broken, packed, told


def serve(worker: Worker, handler: TokenHandler) -> None:
    """New requests join between two steps, finished ones leave, until the front is gone."""
    worker.tell_ready(handler, slots=handler.slots, keeps_time=False)
    while True:
        while not worker.waiting and not handler.numbers:
            worker.take(block=True)
        worker.take(block=False)
        out: list[bytes] = []
        for number in worker.cancelled & handler.numbers:
            handler.leave(number)
            out.append(frames.pack(number, frames.DROPPED))
        if worker.waiting and handler.has_room:
            out += [told(error, ask) for ask, error in handler.admit(worker.waiting)]
        try:
            out += [_frame(ask, what) for ask, what in handler.step()]
        except Exception as error:
            out += [broken(ask) if has_begun else told(error, ask) for ask, has_begun in handler.give_up()]
        worker.under_way(handler.numbers)
        worker.send(out)


def _frame(ask: Ask, what: Answer | Parts | bytes | None) -> bytes:
    if what is None:
        return frames.pack(ask.number, frames.END)
    if isinstance(what, Answer):
        return packed(ask, what)
    return begun(ask, what) if isinstance(what, Parts) else frames.pack(ask.number, frames.CHUNK, what)
