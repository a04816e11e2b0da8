"""Several launches within one budget: in order, so many at a time, and never more than was said."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from yard.commands.launch import read_train
from yard.errors import UserError
from yard.launches import queueing
from yard.launches.queueing import Queue, Turn, Wish, read_file, total_usd
from yard.runs.runs import Run


def wish(words: str, worst_usd: float | None = 1.0) -> Wish:
    return Wish(words=words, job="j", launch={}, worst_usd=worst_usd)


class World:
    """Runs that take so many looks each, and cost so much."""

    def __init__(self, looks: int = 2, usd: float | None = 0.25, refused: str = "") -> None:
        self.looks, self.usd, self.refused = looks, usd, refused
        self.started: list[str] = []
        self.caps: list[float | None] = []
        self.running = self.most = 0
        self.left: dict[str, int] = {}

    def start(self, one: Wish, cap: float | None) -> Run:
        if one.words == self.refused:
            raise UserError("It is refused.", "Do this.")
        self.started.append(one.words)
        self.caps.append(cap)
        self.running += 1
        self.most = max(self.most, self.running)
        self.left[one.words] = self.looks
        return Run(
            job="j", run_id=one.words, execution_arn="", status="RUNNING", started=datetime.now(UTC), stopped=None
        )

    def refresh(self, run: Run) -> Run:
        self.left[run.run_id] -= 1
        if self.left[run.run_id]:
            return run
        self.running -= 1
        return replace(run, status="SUCCEEDED")

    def queue(self, wishes: list[Wish], *, at_once: int = 1, budget: float | None = None) -> list[Turn]:
        return Queue(
            wishes=wishes,
            at_once=at_once,
            budget_usd=budget,
            start=self.start,
            refresh=self.refresh,
            cost=lambda run: self.usd,
        ).run()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queueing, "LOOK_SECONDS", 0)


@pytest.mark.parametrize("at_once", [1, 2, 5])
def test_they_run_in_their_order_and_so_many_at_a_time(at_once: int) -> None:
    world = World()
    turns = world.queue([wish(name) for name in "abcd"], at_once=at_once)
    assert world.started == ["a", "b", "c", "d"]
    assert world.most == min(at_once, 4)
    assert [turn.status for turn in turns] == ["succeeded"] * 4


def test_what_was_spent_counts_and_not_what_might_have_been() -> None:
    world = World(usd=0.25)
    turns = world.queue([wish(name) for name in "abcd"], budget=1.6)
    assert world.started == ["a", "b", "c"], "0.25 each, and 1.0 for the one that is to come"
    assert world.caps == [pytest.approx(1.6), pytest.approx(1.35), pytest.approx(1.1)]
    assert turns[-1].why_not == "it can cost 1.00 USD, and 0.85 USD of the budget of 1.60 USD are left"


def test_a_run_that_goes_on_counts_with_its_worst_case() -> None:
    world = World(usd=0.0)
    turns = world.queue([wish("a"), wish("b"), wish("c", 0.4)], at_once=3, budget=1.5)
    assert world.started == ["a", "c"]
    assert turns[1].status == "not launched"


def test_a_run_of_which_nobody_knows_the_cost_counts_with_its_worst_case() -> None:
    world = World(usd=None)
    world.queue([wish(name) for name in "abc"], budget=2.5)
    assert world.started == ["a", "b"]


def test_one_that_is_refused_stops_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    turns = World(refused="b").queue([wish(name) for name in "abc"])
    assert [turn.status for turn in turns] == ["succeeded", "not launched", "succeeded"]
    assert "b: not launched: It is refused. Do this." in capsys.readouterr().err


def test_the_sum_is_of_all_or_unknown() -> None:
    assert total_usd([wish("a", 1.25), wish("b", 2.5)]) == 3.75
    assert total_usd([wish("a", 1.25), wish("b", None)]) is None


def test_a_file_has_a_launch_per_line() -> None:
    assert list(read_file("# a sweep\nj --set a=1\n\n  j --set a=2  \n")) == ["j --set a=1", "j --set a=2"]


def test_a_launch_is_read_as_yard_train_reads_it() -> None:
    words = ["gpt", "--count", "2", "--set", "lr=0.1", "--set=--fast", "--name", "wide", "--tag", "a=b", "--on-demand"]
    given = read_train(words)
    assert given.job == "gpt" and given.words == ["--fast"]
    assert given.overrides == {"instance_count": 2, "spot": False}
    assert (given.hyperparameters, given.name, given.tags) == ({"lr": 0.1}, "wide", {"a": "b"})


@pytest.mark.parametrize("words", [["gpt", "--sett", "x"], [], ["gpt", "--count", "x"]])
def test_one_that_yard_train_would_not_take_is_refused(words: list[Any]) -> None:
    with pytest.raises(Exception, match=r"(?i)no such option|missing parameter|instance_count|--count"):
        read_train(words)
