"""Answers that are made token by token, many side by side."""

import json
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from contract.refusal import RequestError
from serving.ask import Answer, Ask, Parts
from serving.codecs import kinds
from serving.codecs.decoding import parse_json
from serving.engines import sampling
from serving.engines.sampling import Sampler

_MOST_NEW = 16
_MOST_STOPS = 16
_LONGEST_STOP = 256
_TOKENS_A_STEP = 1024
"""The most that prompts which begin together take, each as long as the longest of them."""
_PENDING_TOKENS = 8
"""How many tokens may be part of one letter; no encoding needs more."""
_UNFINISHED = "\N{REPLACEMENT CHARACTER}"
_KNOWN = sampling.OPTIONS | {
    "inputs",
    "prompt",
    "tokens",
    "max_new_tokens",
    "stream",
    "stop",
    "stop_tokens",
    "parameters",
}


class Decoder(Protocol):
    """A model with a cache of `slots` rows; rows below `count` are in use."""

    name: str
    slots: int
    context: int
    vocabulary: int
    ranks: int
    """How many processes hold it."""

    def follow(self) -> None:
        """Do what the first of those processes does, until it is gone."""

    def tokens_of(self, text: str) -> list[int]:
        """A text as tokens."""

    def text_of(self, tokens: Sequence[int]) -> str:
        """Tokens as a text."""

    def begin(self, slot: int, prompts: Sequence[Sequence[int]], samplers: Sequence[Sampler | None]) -> list[int]:
        """Fill the caches of rows from `slot` on, a prompt each, and return their first new tokens; without a sampler
        the likeliest."""

    def advance(
        self, count: int, tokens: Sequence[int], places: Sequence[int], samplers: Sequence[Sampler | None]
    ) -> list[int]:
        """The next token of the first `count` rows, whose last tokens are at these places."""

    def move(self, source: int, target: int) -> None:
        """Copy one row's cache to another."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Wish:
    """What a request asks for."""

    tokens: list[int]
    most: int
    is_streamed: bool
    sampler: Sampler | None
    stops: tuple[str, ...]
    stop_tokens: frozenset[int]


@dataclass(kw_only=True, slots=True)
class _Stream:
    ask: Ask
    wish: _Wish
    place: int
    made: list[int]
    is_new: bool = True
    told: int = 0
    """How many tokens the client has the text of."""
    before: int = 0
    """Where the text begins that the next one is cut from: some tokens make letters only with those before them."""

    @property
    def left(self) -> int:
        """How many more tokens may come."""
        return self.wish.most - len(self.made)


class TokenHandler:
    """Continuous batching: a prompt joins between two steps, whoever is done leaves, and rows in use stay together."""

    batch = 1
    many_records = False

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._active: list[_Stream] = []
        self.name = decoder.name
        self.slots = decoder.slots
        self.ranks = decoder.ranks

    def follow(self) -> None:
        """Be one of the other processes that hold the model."""
        self._decoder.follow()

    @property
    def numbers(self) -> frozenset[int]:
        """The requests that are under way."""
        return frozenset(stream.ask.number for stream in self._active)

    @property
    def has_room(self) -> bool:
        """Whether another request can join."""
        return len(self._active) < self.slots

    def admit(self, waiting: deque[Ask]) -> list[tuple[Ask, Exception]]:
        """Take the first of those that wait in and make their first tokens together; returns what cannot be answered.

        Whoever is under way waits meanwhile, so that a step takes in no more than some tokens, or one prompt.
        """
        refused: list[tuple[Ask, Exception]] = []
        taken: list[tuple[Ask, _Wish]] = []
        longest = 0
        while waiting and len(self._active) + len(taken) < self.slots:
            try:
                wish = self._read(waiting[0])
            except Exception as error:
                refused.append((waiting.popleft(), error))
                continue
            longest = max(longest, len(wish.tokens))
            if taken and longest * (len(taken) + 1) > _TOKENS_A_STEP:
                break
            taken.append((waiting.popleft(), wish))
        try:
            firsts = self._first_tokens([wish for _, wish in taken])
        except Exception as error:
            return [*refused, *((ask, error) for ask, _ in taken)]
        for (ask, wish), first in zip(taken, firsts, strict=True):
            self._active.append(_Stream(ask=ask, wish=wish, place=len(wish.tokens), made=[first]))
        return refused

    def _first_tokens(self, wishes: Sequence[_Wish]) -> list[int]:
        if not wishes:
            return []
        prompts, samplers = [wish.tokens for wish in wishes], [wish.sampler for wish in wishes]
        return self._decoder.begin(len(self._active), prompts, samplers)

    def leave(self, number: int) -> None:
        """Drop a request that nobody waits for."""
        self._remove(next(slot for slot, stream in enumerate(self._active) if stream.ask.number == number))

    def give_up(self) -> list[tuple[Ask, bool]]:
        """Drop all requests; returns them, and whether their answers have begun."""
        found = [(stream.ask, stream.wish.is_streamed and not stream.is_new) for stream in self._active]
        self._active.clear()
        return found

    def step(self) -> Iterator[tuple[Ask, Answer | Parts | bytes | None]]:
        """One more token of everyone: what there is to send for each. None ends a stream; Parts begins it."""
        older = [stream for stream in self._active if not stream.is_new]
        if older:
            last, places = [stream.made[-1] for stream in older], [stream.place for stream in older]
            samplers = [stream.wish.sampler for stream in older]
            for stream, token in zip(older, self._decoder.advance(len(older), last, places, samplers), strict=True):
                stream.place += 1
                stream.made.append(token)
        for slot in range(len(self._active) - 1, -1, -1):
            stream = self._active[slot]
            reason = self._reason(stream)
            if stream.wish.is_streamed:
                if stream.is_new:
                    yield stream.ask, Parts(parts=iter(()), kind=kinds.JSON_LINES)
                yield stream.ask, self._line(stream, reason)
            stream.is_new = False
            if reason is not None:
                yield stream.ask, None if stream.wish.is_streamed else self._whole(stream, reason)
                self._remove(slot)

    def _reason(self, stream: _Stream) -> str | None:
        """Why a stream ends with its last token; None: it goes on."""
        wish = stream.wish
        if stream.made[-1] in wish.stop_tokens:
            return "stop"
        if wish.stops:
            # A token may hold no letter of the text, or one that only the next completes: some more are looked at
            tail = self._decoder.text_of(stream.made[-(max(map(_bytes, wish.stops)) + _PENDING_TOKENS) :])
            if any(stop in tail for stop in wish.stops):
                return "stop"
        return "length" if stream.left <= 0 else None

    def _line(self, stream: _Stream, reason: str | None) -> bytes:
        told: dict[str, Any] = {"token": stream.made[-1], "text": self._more_text(stream, is_last=reason is not None)}
        if reason is not None:
            told["finish_reason"] = reason
        return json.dumps(told).encode() + b"\n"

    def _more_text(self, stream: _Stream, *, is_last: bool) -> str:
        """The text that the tokens since the last line add; nothing while the last letter is unfinished."""
        old = self._decoder.text_of(stream.made[stream.before : stream.told])
        now = self._decoder.text_of(stream.made[stream.before :])
        pending = len(stream.made) - stream.told
        if now.endswith(_UNFINISHED) and not is_last and pending < _PENDING_TOKENS:
            return ""
        stream.before, stream.told = stream.told, len(stream.made)
        return now[len(old) :]

    def _whole(self, stream: _Stream, reason: str) -> Answer:
        text = self._decoder.text_of(stream.made)
        return Answer(
            body=json.dumps({"generated_text": text, "tokens": stream.made, "finish_reason": reason}).encode()
        )

    def _remove(self, slot: int) -> None:
        last = len(self._active) - 1
        if slot != last:
            self._decoder.move(last, slot)
            self._active[slot] = self._active[last]
        self._active.pop()

    def _read(self, ask: Ask) -> _Wish:
        if kinds.named(ask.kind) != kinds.JSON:
            raise RequestError(f"a prompt comes as {kinds.JSON}, not {ask.kind!r}", 415)
        asked = parse_json(ask.body)
        if not isinstance(asked, dict):
            raise RequestError('a prompt comes as {"prompt": TEXT} or {"tokens": [NUMBERS]}')
        parameters = asked.get("parameters", {})
        options = {**(parameters if isinstance(parameters, dict) else {}), **asked}
        unknown = sorted(options.keys() - _KNOWN)
        if unknown:
            raise RequestError(f"not known here: {', '.join(unknown)}; known: {', '.join(sorted(_KNOWN))}")
        tokens = self._prompt(options)
        most = options.get("max_new_tokens", _MOST_NEW)
        room = self._decoder.context - len(tokens)
        if not isinstance(most, int) or isinstance(most, bool) or not 1 <= most <= room:
            raise RequestError(
                f"max_new_tokens is {most!r} and must be a whole number from 1 to {room}: the prompt has {len(tokens)} "
                f"tokens, and the model's context {self._decoder.context}"
            )
        return _Wish(
            tokens=tokens,
            most=most,
            is_streamed=options.get("stream") is True,
            sampler=sampling.read(options),
            stops=_stops(options.get("stop")),
            stop_tokens=self._stop_tokens(options.get("stop_tokens")),
        )

    def _stop_tokens(self, given: Any) -> frozenset[int]:
        found = [] if given is None else given
        limit = self._decoder.vocabulary
        is_right = isinstance(found, list) and all(type(one) is int and 0 <= one < limit for one in found)
        if not is_right or len(found) > _MOST_STOPS:
            raise RequestError(f"stop_tokens is a list of at most {_MOST_STOPS} tokens from 0 to {limit - 1}")
        return frozenset(found)

    def _prompt(self, options: dict[str, Any]) -> list[int]:
        text, tokens = options.get("prompt", options.get("inputs")), options.get("tokens")
        if isinstance(text, str) and tokens is None:
            tokens = self._decoder.tokens_of(text)
        limit = self._decoder.vocabulary
        if not isinstance(tokens, list) or not tokens:
            raise RequestError('a prompt is a text ("prompt") or a list of whole numbers ("tokens"), and not empty')
        wrong = [token for token in tokens if type(token) is not int or not 0 <= token < limit]
        if wrong:
            raise RequestError(f"{wrong[0]!r} is no token: the model knows 0 to {limit - 1}")
        if len(tokens) >= self._decoder.context:
            raise RequestError(
                f"the prompt has {len(tokens)} tokens, and the model's context is {self._decoder.context}"
            )
        return tokens


def _stops(given: Any) -> tuple[str, ...]:
    """The texts that end an answer, of which they are the last part."""
    found = [] if given is None else [given] if isinstance(given, str) else given
    is_right = isinstance(found, list) and all(isinstance(one, str) and 0 < len(one) <= _LONGEST_STOP for one in found)
    if not is_right or len(found) > _MOST_STOPS:
        raise RequestError(
            f"stop is a text of 1 to {_LONGEST_STOP} letters, or a list of at most {_MOST_STOPS} of them"
        )
    return tuple(found)


def _bytes(text: str) -> int:
    return len(text.encode())
