"""What the nodes tell one another for the guards of a run, as the first one passes it on."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any


class GuardWords:
    """What every node has said, and what all of them hear of it."""

    def __init__(self, tell: Callable[[Mapping[str, Any]], None], hosts: Sequence[str]) -> None:
        self._tell, self._hosts = tell, hosts
        self._ages: dict[str, Mapping[str, float]] = {}
        self._ready: set[str] = set()
        self._places: dict[str, Mapping[str, Any]] = {}

    def begin(self) -> None:
        """The tasks start: what was before counts no more."""
        self._ages = {}

    def hear(self, host: str, message: Mapping[str, Any]) -> None:
        """The youngest ages decide; a guard of one node ends all; the places are told when all are known."""
        if message["op"] == "ages":
            self._ages[host] = message["ages"]
            moved = [ages["moved"] for ages in self._ages.values() if ages["moved"] >= 0]
            heard = min(ages["heard"] for ages in self._ages.values())
            self._tell({"op": "ages", "heard": heard, "moved": min(moved, default=-1.0)})
        elif message["op"] == "guard":
            if not self._ready:
                self._tell({"op": "guarded", "why": message["guard"], "saves": message["saves"]})
            self._ready.add(host)
            if self._ready.issuperset(self._hosts):
                self._tell({"op": "ready"})
        else:
            self._places[host] = message["places"]
            if len(self._places) == len(self._hosts):
                self._tell(
                    {"op": "places", "places": {rank: at for one in self._places.values() for rank, at in one.items()}}
                )
