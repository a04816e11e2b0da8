"""What the agents of a run tell one another for its guards, through the attempt's store."""

import json
import time
from collections.abc import Mapping
from typing import Any

from training.launcher.torchrun.channel import Channel

_KEY = "shardyard/guard"
_POLL_SECONDS, _SOON_SECONDS = 0.3, 0.05
_PLACES_SECONDS = 10.0


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
        elif "guard" in event:
            self._passed_on = self._awaits_all = True
            store.set(f"{_KEY}/word", json.dumps({"why": event["guard"], "saves": event["saves"]}))
            self._set(store, "ready", True)
        elif "places" in event:
            self._set(store, "places", event["places"])
            deadline = time.monotonic() + _PLACES_SECONDS
            while len(known := self._all(store, "places")) < self._nodes and time.monotonic() < deadline:
                time.sleep(0.05)
            places = {rank: place for one in known for rank, place in one.items()}
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

    def _set(self, store: Any, what: str, value: object) -> None:
        store.set(f"{_KEY}/{what}/{self._node}", json.dumps(value))

    def _all(self, store: Any, what: str) -> list[Any]:
        keys = [f"{_KEY}/{what}/{node}" for node in range(self._nodes)]
        return [json.loads(store.get(key)) for key in keys if store.check([key])]
