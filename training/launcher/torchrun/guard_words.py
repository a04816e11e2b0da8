"""What the agents of a run tell one another for its guards, through the attempt's store."""

import json
import time
from collections.abc import Mapping
from typing import Any

from training.launcher.torchrun.channel import Channel

_KEY = "shardyard/guard"
_POLL_SECONDS, _SOON_SECONDS = 0.3, 0.05
_PLACES_SECONDS = 6.0
"""How long to wait for the others' places, and for their having read them; the host waits longer than for both."""

_STORE_NODE = 0
"""The node whose agent keeps the store."""


class GuardWords:
    """One node's words."""

    def __init__(self, channel: Channel, *, node: int, nodes: int) -> None:
        self._channel, self._node, self._nodes = channel, node, nodes
        self._poll_at = 0.0
        self._passed_on = False
        self._awaits_all = False

    def on(self, event: Mapping[str, Any], store: Any) -> None:
        """Tell the others what the host says, and the host what they say."""
        if "ages" in event:
            self._set(store, "ages", event["ages"])
            known = self._all(store, "ages")
            moved = [ages["moved"] for ages in known if ages["moved"] >= 0]
            heard = min(ages["heard"] for ages in known)
            self._channel.send({"op": "ages", "heard": heard, "moved": min(moved, default=-1.0)})
        elif "paces" in event:
            self._set(store, "paces", event["paces"])
            known = self._all(store, "paces")
            if len(known) == self._nodes:
                self._channel.send(
                    {"op": "paces", "paces": {rank: one for node in known for rank, one in node.items()}}
                )
        elif "guard" in event:
            self._passed_on = self._awaits_all = True
            store.set(f"{_KEY}/word", json.dumps({"why": event["guard"], "saves": event["saves"]}))
            self._set(store, "ready", True)
        elif "places" in event:
            self._set(store, "places", event["places"])
            places = {rank: place for one in self._wait_for_all(store, "places") for rank, place in one.items()}
            self._set(store, "read", True)
            if self._node == _STORE_NODE:
                # Its host ends it at its answer, and the store with it: first the others read
                self._wait_for_all(store, "read")
            self._channel.send({"op": "places", "places": places})

    def poll(self, store: Any) -> None:
        """Pass on to the host, once each, that another node ends the run, and that all nodes know."""
        if self._nodes == 1 or time.monotonic() < self._poll_at:
            return
        self._poll_at = time.monotonic() + (_SOON_SECONDS if self._awaits_all else _POLL_SECONDS)
        if self._awaits_all and len(self._all(store, "ready")) == self._nodes:
            self._awaits_all = False
            self._channel.send({"op": "ready"})
        if not self._passed_on and store.check([f"{_KEY}/word"]):
            self._passed_on = True
            self._channel.send({"op": "guarded", **json.loads(store.get(f"{_KEY}/word"))})

    def _wait_for_all(self, store: Any, what: str) -> list[Any]:
        deadline = time.monotonic() + _PLACES_SECONDS
        while len(known := self._all(store, what)) < self._nodes and time.monotonic() < deadline:
            time.sleep(0.05)
        return known

    def _set(self, store: Any, what: str, value: object) -> None:
        store.set(f"{_KEY}/{what}/{self._node}", json.dumps(value))

    def _all(self, store: Any, what: str) -> list[Any]:
        keys = [f"{_KEY}/{what}/{node}" for node in range(self._nodes)]
        return [json.loads(store.get(key)) for key in keys if store.check([key])]
