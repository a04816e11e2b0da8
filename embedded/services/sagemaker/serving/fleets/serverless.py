"""A serverless variant: instances that come with requests and go when nobody asks, each with one request at a time."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence

from embedded import clock
from embedded.nodes.engine import Engine
from embedded.services.sagemaker.serving.containers.container import NotWell
from embedded.services.sagemaker.serving.fleets.fleet import Fleet
from embedded.services.sagemaker.serving.fleets.member import Member
from embedded.services.sagemaker.serving.fleets.plan import FleetPlan

IDLE_SECONDS = 600.0
"""How long an instance is kept that nobody asks; AWS gives no figure."""
_LOOKS = 10
"""How often in that time somebody looks whether an instance is idle for so long."""


class ServerlessFleet(Fleet):
    """The instances of a serverless variant."""

    def __init__(self, plan: FleetPlan, engine: Engine) -> None:
        super().__init__(plan, engine)
        self._busy: set[str] = set()
        self._starting = 0
        self._used: dict[str, float] = {}
        self._turn = threading.Lock()
        self._over = clock.Event()
        self._watch: threading.Thread | None = None
        self.config: Mapping[str, int] = dict(plan.serverless) if plan.serverless is not None else {}
        """The ServerlessConfig now; its concurrencies can be changed."""

    def grow(self, count: int, check: Callable[[], None] = lambda: None) -> None:
        """Start what is provisioned; without that, one instance shows that the container is well at all."""
        super().grow(max(1, self.config.get("ProvisionedConcurrency", 0)), check)
        if self._watch is None:
            name = f"idle instances of {self.plan.name}"
            self._watch = threading.Thread(target=self._end_idle_by_the_clock, name=name, daemon=True)
            self._watch.start()

    def provision(self) -> None:
        """Start what the provisioned concurrency lacks; what is too much ends when nobody asks."""
        missing = self.config.get("ProvisionedConcurrency", 0) - self.count
        if missing > 0:
            super().grow(missing)

    def pick(self, others_than: Sequence[Member] = ()) -> Member | None:
        """An idle instance, or a new one: whoever asked waits for its start. None where there are enough already."""
        with self._turn:
            for one in self.well():
                if one.id not in self._busy and one not in others_than:
                    self._busy.add(one.id)
                    return one
            if self._over.is_set() or len(self._busy) + self._starting >= self.config["MaxConcurrency"]:
                return None
            self._starting += 1
        made = Member(self.plan, self._engine)
        began = time.monotonic()
        try:
            made.start(lambda: None)
            made.setup_seconds = time.monotonic() - began
        except NotWell:
            with self._turn:
                self._starting -= 1
            return None
        with self._turn:
            self._starting -= 1
            if not self._over.is_set():
                self._busy.add(made.id)
                with self._lock:
                    self.members = [*self.members, made]
                return made
        # the endpoint went while it started
        made.stop()
        return None

    def stop(self) -> None:
        """End all of it; an instance that is being started for a request ends as soon as it runs."""
        with self._turn:
            self._over.set()
        super().stop()

    def release(self, member: Member) -> None:
        """The request of an instance was answered."""
        with self._turn:
            self._busy.discard(member.id)
            self._used[member.id] = clock.seconds()

    def is_full(self) -> bool:
        """Whether as many requests are on their way as may be."""
        with self._turn:
            return len(self._busy) + self._starting >= self.config["MaxConcurrency"]

    def _end_idle_by_the_clock(self) -> None:
        while not self._over.wait(IDLE_SECONDS / _LOOKS):
            with self._turn:
                self._end_idle()

    def _end_idle(self) -> None:
        kept = self.config.get("ProvisionedConcurrency", 0)
        now = clock.seconds()
        idle = [
            one
            for one in self.members[kept:]
            if one.id not in self._busy and now - self._used.setdefault(one.id, now) > IDLE_SECONDS
        ]
        with self._lock:
            self.members = [one for one in self.members if one not in idle]
        for one in idle:
            threading.Thread(target=one.stop, name=f"end of {one.id}", daemon=True).start()
