"""What a worker asks for answers: the user's functions, or an engine behind the codecs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy

from contract.refusal import RequestError
from serving.ask import Answer, Ask, Parts
from serving.codecs import kinds
from serving.codecs.decoding import decode
from serving.codecs.encoding import encode


class Handler(Protocol):
    """Answers requests with the model that it has loaded."""

    @property
    def name(self) -> str:
        """What answers, for the log."""

    @property
    def batch(self) -> int:
        """How many requests it may be given at once."""

    @property
    def many_records(self) -> bool:
        """Whether a body may hold several records, one a line."""

    def answer(self, ask: Ask) -> Answer | Parts:
        """Answer one."""

    def answer_many(self, asks: Sequence[Ask]) -> Sequence[Answer | Parts]:
        """Answer several together; whatever it raises has them asked again one by one."""


class Engine(Protocol):
    """A model that turns rows into rows."""

    name: str
    batch: int
    model: Any

    def prepare(self, decoded: Any) -> numpy.ndarray:
        """Rows of the shape and type that the model takes, or RequestError."""

    def predict(self, rows: numpy.ndarray) -> Any:
        """An array, or a mapping of arrays, with a row for each row."""


@dataclass(kw_only=True)
class ArrayHandler:
    """Codecs before and after an engine."""

    engine: Engine
    accept: str
    """The content type of answers for which the client asks for none."""
    many_records: bool = True

    @property
    def name(self) -> str:
        """The engine's."""
        return self.engine.name

    @property
    def batch(self) -> int:
        """The engine's."""
        return self.engine.batch

    def answer(self, ask: Ask) -> Answer:
        """Decode, predict, encode."""
        rows = self.engine.prepare(decode(ask.body, ask.kind))
        kinds.chosen(ask.accept, self.accept)
        return self._encoded(self.engine.predict(rows), ask)

    def answer_many(self, asks: Sequence[Ask]) -> list[Answer | Parts]:
        """One prediction for all requests whose rows have one shape; a request that cannot be read fails alone."""
        answers: list[Answer | Parts | None] = [None] * len(asks)
        alike: dict[tuple[Any, ...], list[tuple[int, numpy.ndarray]]] = {}
        for place, ask in enumerate(asks):
            try:
                rows = self.engine.prepare(decode(ask.body, ask.kind))
                kinds.chosen(ask.accept, self.accept)
            except RequestError as error:
                answers[place] = refusal(error, ask)
            else:
                alike.setdefault((rows.shape[1:], rows.dtype), []).append((place, rows))
        for group in alike.values():
            together = self.engine.predict(numpy.concatenate([rows for _, rows in group]))
            begin = 0
            for place, rows in group:
                answers[place] = self._encoded(part(together, begin, begin + len(rows)), asks[place])
                begin += len(rows)
        return [answer for answer in answers if answer is not None]

    def _encoded(self, result: Any, ask: Ask) -> Answer:
        body, kind = encode(result, ask.accept, self.accept)
        return Answer(body=body, kind=kind)


def part(result: Any, begin: int, end: int) -> Any:
    """Some rows of a result."""
    if isinstance(result, dict):
        return {name: value[begin:end] for name, value in result.items()}
    return result[begin:end]


def refusal(error: RequestError, ask: Ask) -> Answer:
    """The answer to a request that is wrong."""
    body, kind = encode({"error": str(error), "request": ask.identity}, kinds.JSON, kinds.JSON)
    return Answer(status=error.status, body=body, kind=kind)
