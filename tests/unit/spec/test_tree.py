"""Dataclass trees from tables: strict, and all problems at once."""

import math
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import pytest

from contract.hyperparameters import Scalar
from shardyard.spec.errors import Problem
from shardyard.spec.tree import build, dump, setting


@dataclass(frozen=True, kw_only=True, slots=True)
class Inner:
    name: str = setting(doc="Its name.", pattern=r"[a-z]+", says="small letters")
    size_gb: int = setting(10, "Its size.", least=1, most=100, unit="gigabytes", key="size")


@dataclass(frozen=True, kw_only=True, slots=True)
class Outer:
    count: int = setting(1, "How many.", least=1)
    rate: float = setting(0.5, "How fast.")
    flag: bool = setting(False, "Whether.")
    kind: Literal["a", "b"] = setting("a", "Which.")
    inner: Inner | None = setting(None, "A part.")
    parts: tuple[Inner, ...] = setting((), "Parts.")
    days: Literal[1, 7] = setting(1, "How long.")
    made: str = setting("", "Filled in by us.", internal=True)
    free: dict[str, Scalar] = setting(doc="Anything.", factory=dict)


def problems_of(raw: dict[str, Any], *, text: bool = False) -> list[str]:
    problems: list[Problem] = []
    built = build(Outer, raw, where="file: ", problems=problems, text=text)
    assert (built is None) == bool(problems)
    return [str(problem) for problem in problems]


def made(raw: dict[str, Any], *, text: bool = False) -> Outer:
    problems: list[Problem] = []
    built = build(Outer, raw, where="", problems=problems, text=text)
    assert built is not None, problems
    return built


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ({"count": 0}, "file: count: 0 is not allowed (1 or more)"),
        ({"count": "2"}, "file: count: '2' is not allowed (a whole number)"),
        ({"count": True}, "file: count: true is not allowed (a whole number)"),
        ({"rate": math.nan}, "file: rate: nan is not allowed (a number that is finite)"),
        ({"rate": math.inf}, "file: rate: inf is not allowed (a number that is finite)"),
        ({"free": {"x": math.nan}}, "file: free.x: nan is not allowed (a number that is finite)"),
        (
            {"free": {"x": date(2026, 11, 21)}},
            "file: free.x: 2026-11-21 is not allowed (a text, a number, true or false)",
        ),
        ({"kind": "c" * 200}, f"file: kind: '{'c' * 75}... is not allowed (one of a, b)"),
        (
            {"inner": [{"name": "a"}]},
            "file: inner: [{'name': 'a'}] is not allowed (one table: [inner] in single brackets)",
        ),
        ({"count": 1.5}, "file: count: 1.5 is not allowed (a whole number)"),
        ({"flag": "true"}, "file: flag: 'true' is not allowed (true or false)"),
        ({"flag": 1}, "file: flag: 1 is not allowed (true or false)"),
        ({"kind": "c"}, "file: kind: 'c' is not allowed (one of a, b)"),
        ({"cont": 2}, "file: cont: unknown key; did you mean 'count'?"),
        ({"inner": {}}, "file: inner.name: missing; its name"),
        ({"inner": 3}, "file: inner: 3 is not allowed (a table of settings)"),
        ({"inner": {"name": "A"}}, "file: inner.name: 'A' is not allowed (small letters)"),
        ({"inner": {"name": "a", "size": "9TB"}}, "file: inner.size: 9216GB is not allowed (1GB to 100GB)"),
        ({"inner": {"name": "a", "size_gb": 9}}, "file: inner.size_gb: unknown key; did you mean 'size'?"),
        ({"parts": [{"name": "a"}, {}]}, "file: parts[1].name: missing; its name"),
        ({"parts": {}}, "file: parts: {} is not allowed (a list: [[parts]] in double brackets)"),
        ({"free": {"x": [1]}}, "file: free.x: [1] is not allowed (a text, a number, true or false)"),
    ],
)
def test_each_mistake_in_its_words(raw: dict[str, Any], says: str) -> None:
    assert problems_of(raw) == [says]


def test_all_problems_are_said_at_once() -> None:
    raw = {"count": 0, "kind": "c", "parts": [{"name": "A"}], "zzz": 1}
    assert len(problems_of(raw)) == 4


def test_text_is_read_by_annotation() -> None:
    read = made({"count": "3", "rate": "1e-3", "flag": "true", "kind": "b"}, text=True)
    assert (read.count, read.rate, read.flag, read.kind) == (3, 0.001, True, "b")
    assert made({"days": "7"}, text=True).days == 7
    assert problems_of({"days": "7"}) == ["file: days: '7' is not allowed (one of 1, 7)"]


def test_what_no_person_sets_is_not_suggested() -> None:
    (problem,) = problems_of({"zzz": 1})
    assert problem == "file: zzz: unknown key; known: count, days, flag, free, inner, kind, parts, rate"


def test_a_whole_number_is_a_number() -> None:
    assert made({"rate": 2}).rate == 2.0


def test_free_tables_keep_the_types_of_their_values() -> None:
    free = {"a": 1, "b": 1.5, "c": True, "d": "1"}
    read = made({"free": free}).free
    assert [(type(value), value) for value in read.values()] == [(type(value), value) for value in free.values()]


def test_what_is_dumped_is_built_again_and_holds_no_defaults() -> None:
    tree = made({"count": 2, "inner": {"name": "a", "size": "20GB"}, "parts": [{"name": "b"}], "free": {"x": 1}})
    assert dump(tree) == {"count": 2, "inner": {"name": "a", "size": 20}, "parts": [{"name": "b"}], "free": {"x": 1}}
    assert made(dump(tree)) == tree
