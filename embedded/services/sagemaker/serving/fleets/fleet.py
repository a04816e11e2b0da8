"""The fleet of one variant: grows, shrinks, and finds the instance that takes the next request."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from embedded.nodes.engine import Engine
from embedded.services.sagemaker.jobs import capacity
from embedded.services.sagemaker.serving.containers.container import NotWell
from embedded.services.sagemaker.serving.fleets.member import Member
from embedded.services.sagemaker.serving.fleets.plan import FleetPlan

DRAIN_SECONDS = 60.0
"""The longest that a request of a leaving instance may last: the limit of InvokeEndpoint."""
ASYNCHRONOUS_DRAIN_SECONDS = 3600.0
"""The same of an asynchronous inference."""
_PICKED_SECONDS = 0.2
NO_CAPACITY = (
    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. Please retry using a "
    "different ML instance type or after some time."
)


class Fleet:
    """The instances of one variant under one configuration."""

    def __init__(self, plan: FleetPlan, engine: Engine) -> None:
        self.plan, self._engine = plan, engine
        self.members: list[Member] = []
        self._lock = threading.Lock()
        self._leaving: list[threading.Thread] = []

    @property
    def count(self) -> int:
        """How many instances it has in service, well or not."""
        return len(self.members)

    def well(self) -> list[Member]:
        """The instances that take requests."""
        return [one for one in self.members if one.state == "well"]

    def grow(self, count: int, check: Callable[[], None] = lambda: None) -> None:
        """Add instances, all at once; none is added if one does not become well. `check` may raise."""
        self._take(count)
        made = [Member(self.plan, self._engine) for _ in range(count)]
        try:
            with ThreadPoolExecutor(max(1, count)) as pool:
                for future in [pool.submit(one.start, check) for one in made]:
                    future.result()
        except BaseException:
            for one in made:
                one.stop(0)
            self._give_back(count)
            raise
        with self._lock:
            self.members = [*self.members, *made]

    def shrink(self, count: int) -> None:
        """Take instances out; each ends when its last request has been answered."""
        with self._lock:
            keep = max(0, len(self.members) - count)
            leaving, self.members = self.members[keep:], self.members[:keep]
        for one in leaving:
            thread = threading.Thread(target=self._leave, args=(one,), name=f"end of {one.id}", daemon=True)
            self._leaving.append(thread)
            thread.start()

    def pick(self, others_than: Sequence[Member] = ()) -> Member | None:
        """The instance for the next request, by the routing strategy; None if none is well."""
        found = [one for one in self.well() if one not in others_than]
        if not found:
            return None
        if self.plan.strategy == "LEAST_OUTSTANDING_REQUESTS":
            least = min(one.outstanding for one in found)
            found = [one for one in found if one.outstanding == least]
        return random.choice(found)

    def release(self, member: Member) -> None:
        """The request that an instance was picked for was answered."""

    def stop(self) -> None:
        """End all of it, once what it was asked is answered; waits for that."""
        self.shrink(self.count)
        for thread in self._leaving:
            thread.join()

    def _leave(self, member: Member) -> None:
        # whoever picked it a moment ago has begun by then
        time.sleep(_PICKED_SECONDS)
        member.drain(ASYNCHRONOUS_DRAIN_SECONDS if self.plan.is_asynchronous else DRAIN_SECONDS)
        member.stop()
        self._give_back(1)

    def _take(self, count: int) -> None:
        kind = self.plan.instance_type
        if kind is not None and not capacity.take({kind: count}):
            raise NotWell(NO_CAPACITY)

    def _give_back(self, count: int) -> None:
        if self.plan.instance_type is not None:
            capacity.give_back({self.plan.instance_type: count})
