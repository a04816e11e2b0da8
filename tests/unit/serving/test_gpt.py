"""The GPT with a cache makes the tokens that the trained model makes without one, however many streams there are."""

import json
import queue
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch

from contract.refusal import RequestError
from serving.ask import Answer, Ask, Parts
from serving.engines import choose, tokens
from serving.engines.gpt import GPTDecoder, part_of
from serving.engines.tokens import TokenHandler
from training.pytorch.models.gpt.model import GPT, GPTConfig
from training.pytorch.outputs import save_model

CONFIG = GPTConfig(vocabulary=256, layers=2, width=32, heads=4, kv_heads=2, hidden=64, context=48)
PROMPTS = ["a", "hello there", "to be or not", "x" * 30, "q", "zz"]


@pytest.fixture(scope="module")
def model() -> GPT:
    torch.manual_seed(3)
    return GPT(CONFIG).eval()


@pytest.fixture
def handler(model: GPT, tmp_path: Path) -> TokenHandler:
    about = {"model": "training.pytorch.models.gpt.model.GPT", "config": asdict(CONFIG)}
    save_model(tmp_path, model.state_dict(), about)
    found = choose.load(tmp_path, accept="application/json", slots=3)
    assert isinstance(found, TokenHandler)
    return found


def expected(model: GPT, prompt: str, count: int) -> list[int]:
    """Greedy tokens, by the whole model over the whole text each time."""
    tokens = list(prompt.encode())
    with torch.inference_mode():
        for _ in range(count):
            tokens.append(int(model(torch.tensor([tokens]))[0, -1].argmax()))
    return tokens[-count:]


def ask(number: int, asked: object) -> Ask:
    return Ask(number=number, kind="", accept="", identity=str(number), headers={}, body=json.dumps(asked).encode())


def run(
    handler: TokenHandler, asks: Sequence[Ask], *, leave: int | None = None, at_once: int = 1
) -> dict[int, list[int]]:
    """Answer all as a worker does, while so many come with each step; the tokens of each."""
    coming, waiting, found = deque(asks), deque[Ask](), {one.number: [] for one in asks}
    ended: set[int] = set()
    steps = 0
    while coming or waiting or handler.numbers:
        waiting.extend(coming.popleft() for _ in range(min(at_once, len(coming))))
        if waiting and handler.has_room:
            assert handler.admit(waiting) == []
        if leave in handler.numbers and steps > 4:
            handler.leave(leave)  # type: ignore[arg-type]
        for one, what in handler.step():
            if isinstance(what, bytes):
                found[one.number].append(json.loads(what)["token"])
            elif isinstance(what, Answer):
                found[one.number] = json.loads(what.body)["tokens"]
            if what is None or isinstance(what, Answer):
                ended.add(one.number)
            elif isinstance(what, Parts):
                assert found[one.number] == [], "a stream begins before its first token"
        steps += 1
    assert ended == {one.number for one in asks} - {leave}
    return found


@pytest.mark.parametrize("at_once", [1, 2, len(PROMPTS)])
def test_tokens_are_those_of_the_whole_model(model: GPT, handler: TokenHandler, at_once: int) -> None:
    counts = [5, 12, 1, 17, 30, 3]
    asks = [
        ask(number, {"prompt": prompt, "max_new_tokens": count, "stream": number % 2 == 0})
        for number, (prompt, count) in enumerate(zip(PROMPTS, counts, strict=True))
    ]
    found = run(handler, asks, at_once=at_once)
    for number, (prompt, count) in enumerate(zip(PROMPTS, counts, strict=True)):
        assert found[number] == expected(model, prompt, count), prompt


def test_who_leaves_disturbs_nobody(model: GPT, handler: TokenHandler) -> None:
    asks = [ask(number, {"prompt": "abcdef"[number:], "max_new_tokens": 14, "stream": True}) for number in range(3)]
    found = run(handler, asks, leave=0)
    assert 0 < len(found[0]) < 14
    assert [found[1], found[2]] == [expected(model, "bcdef", 14), expected(model, "cdef", 14)]


@pytest.mark.parametrize(
    "asked, said",
    [
        ([1], 'a prompt comes as {"prompt": TEXT}'),
        ({"prompt": ""}, "and not empty"),
        ({"tokens": [1, 256]}, "256 is no token: the model knows 0 to 255"),
        ({"tokens": [1, True]}, "True is no token"),
        ({"prompt": "x" * 48}, "48 tokens, and the model's context is 48"),
        ({"prompt": "x" * 40, "max_new_tokens": 9}, "from 1 to 8: the prompt has 40 tokens"),
        ({"prompt": "x", "max_new_tokens": 2.5}, "max_new_tokens is 2.5"),
        ({"prompt": "x", "beams": 2}, "not known here: beams"),
        (
            {"prompt": "x", "temperature": -1, "top_p": 0},
            "temperature is -1 and must be a number from 0 to 100; top_p is 0",
        ),
        ({"prompt": "x", "temperature": True}, "temperature is True"),
        ({"prompt": "x", "temperature": float("nan")}, "temperature is nan"),
        ({"prompt": "x", "top_k": 0}, "top_k is 0 and must be a whole number from 1"),
        ({"prompt": "x", "seed": 1.5}, "seed is 1.5"),
        ({"prompt": "x", "temperature": 0, "top_k": 3}, "leave top_k out"),
        ({"prompt": "x", "stop": ["a", ""]}, "stop is a text of 1 to 256 letters"),
        ({"prompt": "x", "stop": ["a"] * 17}, "a list of at most 16"),
        ({"prompt": "x", "stop_tokens": [256]}, "tokens from 0 to 255"),
    ],
)
def test_what_is_wrong_with_a_prompt(handler: TokenHandler, asked: object, said: str) -> None:
    right, wrong, later = ask(1, {"prompt": "a"}), ask(2, asked), ask(3, {"prompt": "bc"})
    ((refused, error),) = handler.admit(deque([right, wrong, later]))
    assert refused is wrong and isinstance(error, RequestError) and said in str(error)
    assert handler.numbers == {1, 3}, "others join all the same"


def test_a_step_takes_in_no_more_prompts_than_fit_it(handler: TokenHandler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_TOKENS_A_STEP", 8)
    waiting = deque(ask(number, {"prompt": prompt}) for number, prompt in enumerate(("abcd", "efgh", "i")))
    assert handler.admit(waiting) == [] and handler.numbers == {0, 1}
    assert handler.admit(waiting) == [] and handler.numbers == {0, 1, 2}
    long = deque([ask(4, {"prompt": "x" * 20})])
    handler.give_up()
    assert handler.admit(long) == [] and handler.numbers == {4}, "alone, a prompt of any length"


def test_a_model_that_breaks_over_a_prompt_is_told_to_all_that_came_with_it(
    handler: TokenHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> list[int]:
        raise MemoryError("no room")

    monkeypatch.setattr(GPTDecoder, "begin", broken)
    asks = [ask(1, {"prompt": "a"}), ask(2, {"prompt": "b"})]
    found = handler.admit(deque(asks))
    assert [one for one, _ in found] == asks and not handler.numbers


def lines(handler: TokenHandler, asked: dict[str, object]) -> list[dict[str, object]]:
    """The lines of one streamed answer."""
    handler.admit(deque([ask(1, {**asked, "stream": True})]))
    found = []
    while handler.numbers:
        found += [json.loads(what) for _, what in handler.step() if isinstance(what, bytes)]
    return found


def test_a_seed_draws_the_same_tokens_whoever_else_is_answered(handler: TokenHandler) -> None:
    asked = {"prompt": "hello", "max_new_tokens": 20, "temperature": 1.5, "seed": 7, "stream": True}
    alone = run(handler, [ask(0, asked)])[0]
    others = [ask(1, {"prompt": "a", "max_new_tokens": 9}), ask(2, {**asked, "seed": 8})]
    beside = run(handler, [others[0], ask(0, asked), others[1]])
    assert beside[0] == alone and beside[2] != alone and len(set(alone)) > 1


def test_the_likeliest_of_one_is_greedy(model: GPT, handler: TokenHandler) -> None:
    for narrow in ({"top_k": 1}, {"top_p": 1e-6}, {"temperature": 0}):
        assert run(handler, [ask(0, {"prompt": "hello", **narrow})])[0] == expected(model, "hello", 16), narrow


def test_a_stop_ends_an_answer_and_is_its_last_part(model: GPT, handler: TokenHandler) -> None:
    wanted = expected(model, "to be", 20)
    asked = {"prompt": "to be", "max_new_tokens": 20, "stop_tokens": [wanted[5], 255]}
    handler.admit(deque([ask(1, asked)]))
    whole = None
    while handler.numbers:
        told = [what for _, what in handler.step()]
        whole = told[-1] if told else whole
    assert isinstance(whole, Answer)
    end = wanted.index(wanted[5]) + 1
    assert json.loads(whole.body)["tokens"] == wanted[:end] and json.loads(whole.body)["finish_reason"] == "stop"
    found = lines(handler, {"prompt": "to be", "max_new_tokens": 3})
    assert [line.get("finish_reason") for line in found] == [None, None, "length"]


class Beside:
    """Ranks that are threads of this process."""

    def __init__(self, rank: int, size: int, shared: dict[str, Any]) -> None:
        self.rank, self.size = rank, size
        self._shared = shared

    def sum(self, part: torch.Tensor) -> torch.Tensor:
        return torch.stack(self._all(part)).sum(0)

    def join(self, part: torch.Tensor) -> torch.Tensor:
        return torch.cat(self._all(part), dim=-1)

    def tell(self, call: list[Any]) -> None:
        for rank in range(1, self.size):
            self._shared[f"calls of {rank}"].put(call)

    def calls(self) -> Iterator[list[Any]]:
        return iter(self._shared[f"calls of {self.rank}"].get, None)

    def _all(self, part: torch.Tensor) -> list[torch.Tensor]:
        self._shared[f"part of {self.rank}"] = part
        self._shared["all"].wait(60)
        found = [self._shared[f"part of {rank}"] for rank in range(self.size)]
        self._shared["all"].wait(60)
        return found


@pytest.mark.parametrize("at_once", [1, len(PROMPTS)])
def test_two_ranks_hold_half_each_and_make_the_same_tokens(model: GPT, at_once: int) -> None:
    shared: dict[str, Any] = {"all": threading.Barrier(2), "calls of 1": queue.Queue()}
    weights, config = model.state_dict(), asdict(CONFIG)

    def decoder(rank: int) -> GPTDecoder:
        parts = {name: part_of(name, tensor, rank, 2) for name, tensor in weights.items()}
        ranks: Any = Beside(rank, 2, shared)
        return GPTDecoder(parts, config, slots=3, cutter=None, ranks=ranks)

    first, second = decoder(0), decoder(1)
    follower = threading.Thread(target=second.follow)
    follower.start()
    try:
        asks = [ask(number, {"prompt": prompt, "max_new_tokens": 6}) for number, prompt in enumerate(PROMPTS)]
        found = run(TokenHandler(first), asks, at_once=at_once)
    finally:
        shared["calls of 1"].put(None)
        follower.join(60)
    assert [found[number] for number in range(len(PROMPTS))] == [expected(model, prompt, 6) for prompt in PROMPTS]
    whole = sum(tensor.nbytes for tensor in weights.values())
    kept = weights["embedding.weight"].nbytes
    for part in (first, second):
        held = float(part.sizes.split(" MB")[0]) * 1e6
        assert held == pytest.approx(kept + (whole - kept) / 2, rel=0.1, abs=5e4)
