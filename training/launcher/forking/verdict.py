"""What a host says of processes that ended: why one failed, and what an interrupted run came to.

What reads tracebacks is imported only where something has ended: a start that fails nowhere need not pay for it.
"""

import signal
from collections.abc import Collection
from pathlib import Path
from typing import Any

from contract.exit_codes import INTERRUPTED
from contract.variables import RENDEZVOUS_PORT
from training.launcher.endings import failure
from training.launcher.forking.order import Order
from training.launcher.supervise import Child

_SOON_SECONDS = 120.0
"""A program that fails by itself this soon has hardly come to its first step."""


class Verdict:
    """Why the processes of one node ended."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._memory_kills = 0
        self._failed_before: tuple[str, str] | None = None
        self.begin()

    def begin(self) -> None:
        """Ranks are started: what the kernel has killed so far was not one of them."""
        self._memory_kills = failure.killed_for_memory()

    def describe(self, child: Child) -> str:
        """Why it failed: a sentence and its traceback."""
        from training.launcher.endings import reasons

        return reasons.describe(self._failure(child), base=Path(self._order.base))

    def is_incurable(self, child: Child) -> bool:
        """Whether a restart would gain nothing."""
        from training.launcher.endings import reasons

        return reasons.is_incurable(self._failure(child), base=Path(self._order.base))

    def repeats(self, child: Child) -> bool:
        """Whether it failed as the start before did, soon after it began: a third start would not change that."""
        from training.launcher.endings.reasons import is_of_the_program
        from training.launcher.endings.tracebacks import place_of

        soon = child.ended_at - child.started_at < _SOON_SECONDS
        if not soon or not is_of_the_program(self._failure(child)):
            self._failed_before = None
            return False
        before, self._failed_before = self._failed_before, place_of(child.tail.decode(errors="replace"))
        alike = before == self._failed_before
        if alike:
            failure.say(f"{child.name} failed twice in the same way before its first step: it is not started again")
        return alike

    def of_store(self, child: Child) -> str:
        """Why the rendezvous store could not even start."""
        from training.launcher.endings.tracebacks import traceback_of

        reason = traceback_of(child.tail.decode(errors="replace")).rpartition("\n")[2]
        return (
            f"{self._order.host} could not open port {self._order.port} for the other nodes: {reason}; "
            f"set {RENDEZVOUS_PORT} to a free one"
        )

    def of_interruption(
        self, ranks: Collection[Child], late: Collection[Child], *, ranks_began: bool, failed: str
    ) -> dict[str, Any]:
        """The outcome of a run that SIGTERM interrupted; `late` are the ranks that had to be killed.

        `failed` is why the ranks were starting again, where they were and one of this node's had failed.
        """
        from training.launcher.endings import interruption

        bad = [rank for rank in ranks if rank.status not in (0, INTERRUPTED)]
        if not bad:
            said = interruption.between_starts(failed) if ranks_began and not ranks else self._how_interrupted(ranks)
            return {"code": INTERRUPTED, "message": said}
        first = min(bad, key=lambda rank: rank.ended_at)
        if not late and first.status != -signal.SIGTERM:
            return {"code": failure.code_of(first.status or 1), "message": self.describe(first)}
        grace = float(self._order.grace_seconds)
        message = interruption.nothing_saved(first, self._order.host, stopped_late=bool(late), grace_seconds=grace)
        return {"code": 1, "message": message}

    def _how_interrupted(self, ranks: Collection[Child]) -> str:
        from training.launcher.endings import interruption

        ended = [rank for rank in ranks if rank.status is not None]
        if not ended:
            return interruption.NOTHING_BEGUN
        kind, _, number = ended[0].name.partition(" ")
        if not number:
            return f"{kind} {interruption.how_it_ended(ended[0].status or 0)}"
        how = {int(rank.name.rpartition(" ")[2]): interruption.how_it_ended(rank.status or 0) for rank in ended}
        all_of_them = f"every {kind}" if self._order.nodes == 1 else f"every {kind} of {self._order.host}"
        return interruption.of_ranks(how, kind=kind, all_of_them=all_of_them)

    def _failure(self, child: Child) -> failure.Failure:
        return failure.Failure(
            name=child.name,
            host=self._order.host,
            exit_status=child.status if child.status is not None else 1,
            tail=child.tail.decode(errors="replace"),
            out_of_memory=failure.killed_for_memory() > self._memory_kills,
        )
