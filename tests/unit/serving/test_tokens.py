"""Streams of tokens, of any model: letters come whole, stops end them, and a sampler draws by the shares."""

import json
from collections import deque
from collections.abc import Sequence

import numpy
import pytest

from serving.ask import Ask
from serving.engines import sampling
from serving.engines.tokens import TokenHandler


def ask(number: int, asked: object) -> Ask:
    return Ask(number=number, kind="", accept="", identity=str(number), headers={}, body=json.dumps(asked).encode())


def lines(handler: TokenHandler, asked: dict[str, object]) -> list[dict[str, object]]:
    """The lines of one streamed answer."""
    handler.admit(deque([ask(1, {**asked, "stream": True})]))
    found = []
    while handler.numbers:
        found += [json.loads(what) for _, what in handler.step() if isinstance(what, bytes)]
    return found


class Spelled:
    """A decoder that says the bytes of a text, whatever it is asked."""

    name = "spelled"
    slots, context, vocabulary, ranks = 2, 400, 256, 1

    def __init__(self, text: str) -> None:
        self.says = text.encode()

    def tokens_of(self, text: str) -> list[int]:
        return list(text.encode())

    def text_of(self, tokens: Sequence[int]) -> str:
        return bytes(tokens).decode(errors="replace")

    def begin(self, slot: int, prompts: Sequence[Sequence[int]], samplers: object) -> list[int]:
        return [self.says[0] for _ in prompts]

    def advance(self, count: int, tokens: Sequence[int], places: Sequence[int], samplers: object) -> list[int]:
        return [self.says[place] for place in places]

    def move(self, source: int, target: int) -> None:
        raise AssertionError("there is one row")

    def follow(self) -> None:
        raise AssertionError("there is one process")


TEXT = "na\u00efve \u20ac5, \U0001f600! STOP and more"


def test_letters_of_several_tokens_are_sent_whole_and_a_text_stops() -> None:
    most = len(TEXT.encode())
    found = lines(TokenHandler(Spelled(TEXT)), {"prompt": "x", "max_new_tokens": most})
    assert "".join(str(line["text"]) for line in found) == TEXT and len(found) == most
    assert all("\ufffd" not in str(line["text"]) for line in found)
    stopped = lines(TokenHandler(Spelled(TEXT)), {"prompt": "x", "max_new_tokens": most, "stop": ["zzz", "STOP"]})
    assert "".join(str(line["text"]) for line in stopped) == TEXT[: TEXT.index(" and")]
    assert stopped[-1]["finish_reason"] == "stop"


def test_a_sampler_draws_by_the_shares() -> None:
    scores = numpy.log(numpy.array([0.1, 0.6, 0.25, 0.05], dtype=numpy.float32))

    def counts(**given: object) -> list[float]:
        sampler = sampling.read({"seed": 1, **given})
        assert sampler is not None
        drawn = [sampler.pick(scores) for _ in range(4000)]
        return [drawn.count(token) / 4000 for token in range(4)]

    assert counts() == pytest.approx([0.1, 0.6, 0.25, 0.05], abs=0.03)
    assert counts(temperature=0.5) == pytest.approx([0.0230, 0.8276, 0.1437, 0.0057], abs=0.03)
    assert counts(top_k=2) == pytest.approx([0, 0.6 / 0.85, 0.25 / 0.85, 0], abs=0.03)
    assert counts(top_p=0.9) == pytest.approx([0.1 / 0.95, 0.6 / 0.95, 0.25 / 0.95, 0], abs=0.03)
    assert counts(top_p=0.5) == [0, 1, 0, 0]
