"""Several launches, one after the other or a few at a time, within one budget that is said and held."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from yard.errors import explain
from yard.output import say

if TYPE_CHECKING:
    from yard.runs.runs import Run

LOOK_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """One launch that waits for its turn."""

    words: str
    """As the person wrote it."""
    job: str
    launch: Mapping[str, Any]
    worst_usd: float | None
    """The most that it can cost; None if a price is unknown."""
    name: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(kw_only=True, slots=True)
class Turn:
    """What became of a wish."""

    wish: Wish
    run: "Run | None" = None
    """None until it is launched, and for one that never was."""
    usd: float | None = None
    """What it has cost, once that is known."""
    why_not: str = ""
    """Why it was not launched."""

    @property
    def status(self) -> str:
        """In one word."""
        if self.run is None:
            return "not launched" if self.why_not else "waiting"
        return self.run.status.lower()

    @property
    def committed_usd(self) -> float:
        """What it has cost, or can still cost."""
        if self.run is None:
            return 0.0
        return self.usd if self.usd is not None else self.wish.worst_usd or 0.0


def total_usd(wishes: Sequence[Wish]) -> float | None:
    """The most that all can cost together; None if a price is unknown."""
    known = [wish.worst_usd for wish in wishes if wish.worst_usd is not None]
    return round(sum(known), 2) if len(known) == len(wishes) else None


@dataclass(kw_only=True)
class Queue:
    """Runs wishes in their order. The budget is held by what has been spent and what may still be."""

    wishes: Sequence[Wish]
    at_once: int
    budget_usd: float | None
    """None: no price is known, so that none is held."""
    start: Callable[[Wish, float | None], "Run"]
    """Launches a wish that may cost no more than so many USD, whatever the price of the day."""
    refresh: Callable[["Run"], "Run"]
    cost: Callable[["Run"], float | None]
    """What a run that has ended did cost; None if nobody knows."""

    def run(self) -> list[Turn]:
        """Launch all and wait for their ends; Ctrl-C leaves those that run."""
        turns = [Turn(wish=wish) for wish in self.wishes]
        while any(turn.status in ("waiting", "running") for turn in turns):
            for turn in turns:
                self._look(turn)
            running = sum(turn.status == "running" for turn in turns)
            for turn in [turn for turn in turns if turn.status == "waiting"][: self.at_once - running]:
                self._launch(turn, turns)
            if any(turn.status == "running" for turn in turns):
                time.sleep(LOOK_SECONDS)
        return turns

    def _look(self, turn: Turn) -> None:
        if turn.run is None or turn.status != "running":
            return
        turn.run = self.refresh(turn.run)
        if turn.status != "running":
            turn.usd = self.cost(turn.run)
            said = "" if turn.usd is None else f", {turn.usd:.2f} USD"
            say(f"{turn.wish.words}: {turn.status}{said} ({turn.run.run_id})")

    def _launch(self, turn: Turn, turns: Sequence[Turn]) -> None:
        committed = sum(one.committed_usd for one in turns)
        worst = turn.wish.worst_usd
        if self.budget_usd is not None and worst is not None and committed + worst > self.budget_usd + 0.005:
            turn.why_not = (
                f"it can cost {worst:.2f} USD, and {self.budget_usd - committed:.2f} USD of the budget of "
                f"{self.budget_usd:.2f} USD are left"
            )
            say(f"{turn.wish.words}: not launched: {turn.why_not}.")
            return
        try:
            turn.run = self.start(turn.wish, None if self.budget_usd is None else self.budget_usd - committed)
        except Exception as error:
            known = explain(error)
            if known is None:
                raise
            turn.why_not = known.happened
            say(f"{turn.wish.words}: not launched: {known.happened} {known.fix}".rstrip())


def read_file(text: str) -> Iterator[str]:
    """One launch per line; blank lines and those after a # are none."""
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            yield line.strip()
