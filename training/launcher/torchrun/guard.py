"""The guards of a run under torchrun: each node listens to its ranks, and the nodes agree through their agents."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from time import monotonic
from typing import Any

from contract.exit_codes import GUARDED
from training.launcher.guards.stacks import Place, describe, where_they_are
from training.launcher.guards.watch import Ages, Limits, Watch
from training.launcher.supervise import Child, Supervisor
from training.launcher.torchrun.order import Order

_WORD_SECONDS = 10.0
"""How long the other nodes may take to hear that the run ends, before a rank of this one does."""
_HEAR_SECONDS = 1.0
"""How long their word may take to come here."""
_PLACES_SECONDS = 15.0
"""How long their ranks may take to say where they are."""

_FOR_EVER = Ages(heard=1e12, moved=-1.0)
"""The ages of a node that has nothing more to say, and keeps no hang of another one alive."""

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
        self._places: dict[int, tuple[str, Place]] | None = None
        supervisor.listener = self._note

    def _note(self, child: Child, lines: list[bytes]) -> None:
        if child.name.startswith("rank "):
            self._watch.listen(child, lines)

    @property
    def has_step(self) -> bool:
        """Whether a rank of this node has printed a step since it was started."""
        return self._watch.ages().moved >= 0

    def restart(self) -> None:
        """Ranks are started."""
        self._watch.restart()

    def hear(self, message: Mapping[str, Any]) -> None:
        """What the agent has heard of the other nodes."""
        if message["op"] == "guarded":
            self._why, self._saves = message["why"], message["saves"]
        elif message["op"] == "ready":
            self._ready = True
        elif message["op"] == "places":
            self._places = {int(rank): (host, Place(*place)) for rank, (host, place) in message["places"].items()}
        elif not self._why:
            self._why = self._watch.overdue(Ages(heard=message["heard"], moved=message["moved"]))

    def look(self, ranks: Collection[Child], send: Send) -> bool:
        """Whether the run is to be ended now. A node whose ranks have ended well waits for the others' by itself."""
        if not self._why and self._watch.not_finite:
            self._why, self._saves = self._watch.not_finite, True
        # Without ranks the agent does not listen either: the nodes are about to meet
        if ranks and not self._why and (self._limits.silence or self._limits.step) and monotonic() >= self._look_at:
            self._look_at = monotonic() + self._limits.look_seconds
            ages = self._watch.ages() if any(rank.status is None for rank in ranks) else _FOR_EVER
            if self._order.nodes == 1:
                self._why = self._watch.overdue(ages)
            else:
                send({"ages": ages._asdict()})
        return bool(self._why)

    def wait_for_word(self, ranks: Collection[Child], send: Send) -> bool:
        """A rank has saved and ended because another node's told it to: whether that was a guard."""
        if not self._limits.stop_on_nan or self._order.nodes == 1 or self._supervisor.terminated:
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
