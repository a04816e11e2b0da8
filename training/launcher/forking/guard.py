"""The guards of a run: each node listens to its ranks, and the nodes agree through whoever speaks for them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from contract.exit_codes import GUARDED
from contract.variables import SLOW_RANK
from training.launcher.forking.order import Order
from training.launcher.guards.stacks import Place, describe, where_they_are
from training.launcher.guards.watch import Ages, Limits, Watch
from training.launcher.supervise import Child, Supervisor

if TYPE_CHECKING:
    from training.launcher.guards.pace import Pace
    from training.launcher.guards.slow import Comparison

_WORD_SECONDS = 10.0
"""How long the other nodes may take to hear that the run ends, before a rank of this one does."""
_HEAR_SECONDS = 1.0
"""How long their word may take to come here."""
_PLACES_SECONDS = 15.0
"""How long their ranks may take to say where they are."""

_FOR_EVER = Ages(heard=1e12, moved=-1.0)
"""The ages of a node that has nothing more to say, and keeps no hang of another one alive. Where all nodes say so, all
ranks have ended well, and their agents are about to: nothing hangs."""

Send = Callable[[Mapping[str, Any]], None]


class HostGuard:
    """One node's part of it."""

    def __init__(self, supervisor: Supervisor, order: Order) -> None:
        self._supervisor, self._order = supervisor, order
        self._limits = Limits.from_environ(order.environ).heard(supervisor)
        self._watch = Watch(self._limits, Path(order.base), steps=True)
        self._look_at = 0.0
        self._why = ""
        self._saves = self._ready = False
        self._places: dict[str, tuple[str, Place]] | None = None
        self._comparison = _comparison(order)
        self._compare_at = 0.0
        supervisor.listener = self._note

    def _note(self, child: Child, lines: list[bytes]) -> None:
        if not child.name.startswith("the "):
            self._watch.listen(child, lines)

    @property
    def has_step(self) -> bool:
        """Whether a rank of this node has printed a step since it was started."""
        return self._watch.ages().moved >= 0

    def restart(self) -> None:
        """Ranks are started."""
        self._watch.restart()
        if self._comparison is not None:
            self._comparison.restart()

    def pace(self, rank: str) -> "Pace | None":
        """Where a rank that is about to be forked writes the times of its steps, if the job compares them."""
        return None if self._comparison is None else self._comparison.pace(rank)

    def hear(self, message: Mapping[str, Any]) -> None:
        """What is heard of the other nodes."""
        if message["op"] == "guarded":
            self._why, self._saves = message["why"], message["saves"]
        elif message["op"] == "ready":
            self._ready = True
        elif message["op"] == "places":
            self._places = {rank: (host, Place(*place)) for rank, (host, place) in message["places"].items()}
        elif message["op"] == "paces":
            self._compare(message["paces"])
        elif not self._why and message["heard"] < _FOR_EVER.heard:
            self._why = self._watch.overdue(Ages(heard=message["heard"], moved=message["moved"]))

    def look(self, ranks: Collection[Child], send: Send) -> bool:
        """Whether the run is to be ended now. A node whose ranks have ended well waits for the others' by itself."""
        if not self._why and self._watch.not_finite:
            self._why, self._saves = self._watch.not_finite, True
        # Without ranks the agent does not listen either: the nodes are about to meet
        if ranks and not self._why and (self._limits.silence or self._limits.step) and monotonic() >= self._look_at:
            self._look_at = monotonic() + self._limits.look_seconds
            run = any(rank.status is None for rank in ranks)
            if self._order.nodes > 1:
                send({"ages": (self._watch.ages() if run else _FOR_EVER)._asdict()})
            elif run:
                self._why = self._watch.overdue(self._watch.ages())
        if ranks and not self._why and self._comparison is not None and monotonic() >= self._compare_at:
            self._look_at_paces(ranks, send)
        return bool(self._why)

    def _look_at_paces(self, ranks: Collection[Child], send: Send) -> None:
        from training.launcher.guards import slow

        self._compare_at = monotonic() + slow.LOOK_SECONDS
        times = None if self._comparison is None else self._comparison.times()
        if not times or any(rank.status is not None for rank in ranks):
            return
        paces = {rank: (self._order.host, one) for rank, one in times.items()}
        if self._order.nodes > 1:
            send({"paces": paces})
        else:
            self._compare(paces)

    def _compare(self, paces: Mapping[str, tuple[str, Sequence[float]]]) -> None:
        """The first node judges the times of all ranks; the others hear from it."""
        from training.launcher.guards.pace import Times

        if self._comparison is None or self._why or self._order.node_rank != 0:
            return
        times = {rank: (host, Times(*one)) for rank, (host, one) in paces.items()}
        for line in self._comparison.tell(times):
            print(line, flush=True)
        self._why = self._comparison.overdue(times)
        self._saves = bool(self._why)

    def wait_for_word(self, ranks: Collection[Child], send: Send) -> bool:
        """A rank has saved and ended because another node's told it to: whether that was a guard."""
        stops = self._limits.stop_on_nan or (self._comparison is not None and self._comparison.stops)
        if not stops or self._order.nodes == 1 or self._supervisor.terminated:
            return False
        self._wait(lambda: self.look(ranks, send), _HEAR_SECONDS)
        return bool(self._why)

    def end(self, ranks: Collection[Child], interrupt: Callable[[], dict[str, Any]], send: Send) -> dict[str, Any]:
        """End this node's part of the run, by a save or with the stacks of all ranks in the log."""
        if self._order.nodes > 1:
            send({"guard": self._why, "saves": self._saves})
            # A rank that ends has heard by itself, and the others' agents may be gone
            self._wait(lambda: self._ready or any(rank.status is not None for rank in ranks), _WORD_SECONDS)
        if self._saves:
            self._supervisor.note_termination()
            return {"code": GUARDED, "message": f"{self._why}: {interrupt()['message']}"}
        running = [rank for rank in ranks if rank.status is None]
        places = where_they_are(self._supervisor, running, forked=self._order.fork_ranks)
        found = {rank: (self._order.host, place) for rank, place in places.items()}
        if self._order.nodes > 1:
            send({"places": found})
            self._wait(lambda: self._places is not None, _PLACES_SECONDS)
            found |= self._places or {}
        self._supervisor.stop(running, grace_seconds=0.0)
        hosts = {rank: host for rank, (host, _) in found.items()}
        said = describe({rank: place for rank, (_, place) in found.items()}, hosts)
        return {"code": GUARDED, "message": f"{self._why}: {said}"}

    def _wait(self, until: Callable[[], bool], seconds: float) -> None:
        deadline = monotonic() + seconds
        while not until() and (left := deadline - monotonic()) > 0:
            self._supervisor.step(left)


def _comparison(order: Order) -> "Comparison | None":
    if SLOW_RANK not in order.environ:
        return None
    # Imported only here: most jobs do not compare their ranks
    from training.launcher.endings import failure
    from training.launcher.guards.slow import Comparison

    if not order.fork_ranks:
        failure.say("slow_rank is not watched: only ranks that are forks of the launcher measure their steps")
        return None
    return Comparison.from_environ(order.environ)
