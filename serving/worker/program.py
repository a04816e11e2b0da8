"""The functions of a user's program, one request or several under way."""

import asyncio
import inspect
import json
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from contract.refusal import RequestError
from contract.serving import ANSWER_HEADERS
from serving.ask import Answer, Ask, Parts
from serving.codecs import kinds
from serving.codecs.decoding import decode
from serving.codecs.encoding import array, encode, plain
from serving.codecs.sparse import SparseRows
from serving.engines import choose
from serving.handler import Engine, part
from serving.settings import Settings

Made = TypeVar("Made")
_TEXTS = (kinds.JSON, kinds.CSV)
"""What AWS's toolkit hands to `input_fn` as text rather than bytes."""


class CodeError(Exception):
    """The user's program cannot be used; the message says why."""


class Context:
    """What a function of the program may ask about its request, and say besides the body."""

    def __init__(self, ask: Ask) -> None:
        self.request_id = ask.identity
        self.headers: Mapping[str, str] = ask.headers
        self.answer_headers: dict[str, str] = {}

    def get_request_header(self, _: int, name: str) -> str | None:
        """A header of the request, as AWS's toolkit has it asked for."""
        return self.headers.get(name.lower())

    def set_response_header(self, name: str, value: str) -> None:
        """Tell the client something besides the body; SageMaker hands on three headers."""
        known = {header.lower(): header for header in ANSWER_HEADERS}
        if name.lower() not in known:
            raise ValueError(f"the header {name} does not reach the client; known: {', '.join(ANSWER_HEADERS)}")
        self.answer_headers[known[name.lower()]] = " ".join(value.split())


class ProgramHandler:
    """The program's functions, and the engine's for those that it lacks."""

    many_records = True

    def __init__(
        self, functions: Mapping[str, Callable[..., Any]], folder: Path, settings: Settings, *, name: str, batch: int
    ) -> None:
        self.name = name
        self.batch = batch
        self._functions = functions
        self._takes = {name: _positions(function) for name, function in functions.items()}
        self.is_concurrent = batch == 1 and any(map(_is_async, functions.values()))
        """Whether several requests may be under way in one event loop, since functions of the program wait in it."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._accept = settings.accept
        self._engine: Engine | None
        if "model_fn" in functions:
            self._model = _loaded(functions["model_fn"], str(folder))
            self._engine = (
                None if "predict_fn" in functions or "transform_fn" in functions else choose.wrap(self._model)
            )
            if self._engine is None and not {"predict_fn", "transform_fn"} & functions.keys():
                kind = type(self._model).__name__
                raise CodeError(f"model_fn returns a {kind}, which nothing here knows how to ask: write predict_fn")
        else:
            served = choose.load(folder, accept=settings.accept, slots=settings.slots)
            self._engine = getattr(served, "engine", None)
            if self._engine is None:
                raise CodeError(f"a model of {served.name} is served as it is: take code/ away, or write model_fn")
            self._model = self._engine.model

    def answer(self, ask: Ask) -> Answer | Parts:
        """One request through all functions, in a program that takes one at a time."""
        return _at_once(self.answer_later(ask))

    async def answer_later(self, ask: Ask) -> Answer | Parts:
        """The same in an event loop, where others go on while the program waits."""
        context = Context(ask)
        if "transform_fn" in self._functions:
            accept = ask.accept if ask.accept not in ("", "*/*") else self._accept
            found = await self._call("transform_fn", context, self._model, _body(ask), _kind(ask), accept)
            return self._finished(found, accept, context)
        data = await self._input(ask, context)
        return await self._output(await self._predict(data, context), ask, context)

    def answer_many(self, asks: Sequence[Ask]) -> list[Answer | Parts]:
        """One prediction over the rows of all requests."""
        contexts = [Context(ask) for ask in asks]
        inputs = [_at_once(self._input(ask, context)) for ask, context in zip(asks, contexts, strict=True)]
        together = _at_once(self._predict(_joined(inputs), contexts[0]))
        answers: list[Answer | Parts] = []
        begin = 0
        for ask, context, given in zip(asks, contexts, inputs, strict=True):
            answers.append(_at_once(self._output(part(together, begin, begin + len(given)), ask, context)))
            begin += len(given)
        return answers

    async def _input(self, ask: Ask, context: Context) -> Any:
        if "input_fn" in self._functions:
            return await self._call("input_fn", context, _body(ask), _kind(ask))
        found = decode(ask.body, ask.kind)
        return found if self._engine is None else self._engine.prepare(found)

    async def _predict(self, data: Any, context: Context) -> Any:
        if "predict_fn" in self._functions:
            return await self._call("predict_fn", context, _native(data, self._model), self._model)
        assert self._engine is not None
        return self._engine.predict(array(data))

    async def _output(self, result: Any, ask: Ask, context: Context) -> Answer | Parts:
        accept = ask.accept if ask.accept not in ("", "*/*") else self._accept
        if "output_fn" in self._functions:
            return self._finished(await self._call("output_fn", context, result, accept), accept, context)
        if _is_made_later(result):
            return self._finished(result, kinds.JSON_LINES if not ask.accept else accept, context)
        body, kind = encode(result, ask.accept, self._accept)
        return Answer(body=body, kind=kind, headers=context.answer_headers)

    def _finished(self, found: Any, accept: str, context: Context) -> Answer | Parts:
        """What output_fn or transform_fn returns: a body, or a body and its content type."""
        body, kind = found if isinstance(found, tuple) and len(found) == 2 else (found, accept)
        kind = " ".join(str(kind).split())  # a line's end in it would be another header
        if _is_made_later(body):
            later = _parts_later(body) if isinstance(body, AsyncIterator) and self.is_concurrent else None
            parts = self._parts(body) if later is None else later
            return Parts(parts=parts, kind=kind, headers=context.answer_headers)
        return Answer(body=_bytes(body), kind=kind, headers=context.answer_headers)

    def _parts(self, made: Any) -> Iterator[bytes]:
        try:
            if isinstance(made, AsyncIterator):
                while True:
                    try:
                        yield _part_bytes(self._wait(anext(made)))
                    except StopAsyncIteration:
                        return
            else:
                for one in made:
                    yield _part_bytes(one)
        finally:
            close = getattr(made, "close", None)
            if close is not None:
                close()

    async def _call(self, name: str, context: Context, *arguments: Any) -> Any:
        """Call a function, with a context if it takes one; a coroutine is waited for."""
        most = self._takes[name]
        given = (*arguments, context) if most is None or most > len(arguments) else arguments
        found = self._functions[name](*given)
        if not inspect.isawaitable(found):
            return found
        return await found if self.is_concurrent else self._wait(found)

    def _wait(self, awaitable: Any) -> Any:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        return self._loop.run_until_complete(_waited(awaitable))


def _loaded(model_fn: Callable[..., Any], folder: str) -> Any:
    """The model. Its event loop, if it needs one, ends here: workers are forked afterwards, and have their own."""
    most = _positions(model_fn)
    found = model_fn(folder, None) if most is None or most > 1 else model_fn(folder)
    return asyncio.run(_waited(found)) if inspect.isawaitable(found) else found


async def _waited(awaitable: Any) -> Any:
    return await awaitable


def _at_once(coroutine: Coroutine[Any, Any, Made]) -> Made:
    """The result of a coroutine in which nothing waits: it costs a tenth of an event loop's turn."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        made: Made = end.value
        return made
    raise RuntimeError("an async function of the program waits where one request at a time is answered")


async def _parts_later(made: AsyncIterator[Any]) -> AsyncIterator[bytes]:
    try:
        async for one in made:
            yield _part_bytes(one)
    finally:
        close = getattr(made, "aclose", None)
        if close is not None:
            await close()


def _is_async(function: Callable[..., Any]) -> bool:
    found = (function, type(function).__call__)
    return any(inspect.iscoroutinefunction(one) or inspect.isasyncgenfunction(one) for one in found)


def _positions(function: Callable[..., Any]) -> int | None:
    """How many arguments a function takes by position; None: any number."""
    parameters = inspect.signature(function).parameters.values()
    if any(one.kind is one.VAR_POSITIONAL for one in parameters):
        return None
    return sum(one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD) for one in parameters)


def _kind(ask: Ask) -> str:
    return ask.kind or kinds.JSON


def _body(ask: Ask) -> Any:
    bare = _kind(ask).partition(";")[0].strip()
    if bare not in _TEXTS:
        return ask.body
    try:
        return ask.body.decode()
    except UnicodeDecodeError as error:
        raise RequestError(f"the body is no text: byte {error.start} is not UTF-8") from None


def _native(data: Any, model: Any) -> Any:
    """What a predict_fn without an input_fn of its own expects: torch's functions take tensors, XGBoost's a DMatrix."""
    is_booster = "xgboost" in sys.modules and isinstance(model, sys.modules["xgboost"].Booster)
    if isinstance(data, SparseRows):
        data = data.dense(None, missing=float("nan") if is_booster else 0.0)
    if not hasattr(data, "dtype") or not hasattr(data, "flags"):
        return data
    if hasattr(model, "parameters") and "torch" in sys.modules:
        torch = sys.modules["torch"]
        found = torch.from_numpy(data if data.flags.writeable else data.copy())
        return found.float()
    if is_booster:
        return sys.modules["xgboost"].DMatrix(data)
    return data


def _joined(inputs: Sequence[Any]) -> Any:
    first = inputs[0]
    if hasattr(first, "detach"):
        return sys.modules["torch"].cat(list(inputs))
    if isinstance(first, list):
        return [row for rows in inputs for row in rows]
    import numpy

    return numpy.concatenate(list(inputs))


def _is_made_later(found: Any) -> bool:
    return isinstance(found, Iterator | AsyncIterator)


def _bytes(body: Any) -> bytes:
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body)
    return body.encode() if isinstance(body, str) else json.dumps(plain(body)).encode()


def _part_bytes(part: Any) -> bytes:
    return _bytes(part) if isinstance(part, str | bytes | bytearray) else _bytes(part) + b"\n"
