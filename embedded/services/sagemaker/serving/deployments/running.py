"""Runs deployments: starts the new fleet, moves the traffic step by step, bakes, and rolls back what goes wrong."""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from embedded import clock
from embedded.kept import parts
from embedded.services.sagemaker.serving.containers.container import NotWell
from embedded.services.sagemaker.serving.deployments import alarms
from embedded.services.sagemaker.serving.deployments.policy import Policy, batches, shares
from embedded.services.sagemaker.serving.endpoints import announcements
from embedded.services.sagemaker.serving.endpoints.endpoint import Endpoint, Pending
from embedded.services.sagemaker.serving.fleets.generation import Generation

_LOOK_SECONDS = 0.2
"""How often the alarms are looked at during a bake, in the machine's seconds."""
log = logging.getLogger(__name__)


class _RollBack(Exception):
    """The deployment is not to go on; the message says why."""


def in_background(endpoint: Endpoint, work: Callable[[], None]) -> None:
    """Run work on an endpoint in a thread; an error of ours is told in the log and leaves no endpoint in between."""

    def run() -> None:
        try:
            work()
        except Exception as error:
            log.exception("the work on endpoint %s failed", endpoint.name)
            enter(endpoint, "Failed", f"{type(error).__name__}: {error}")
        parts.touch()

    threading.Thread(target=run, name=f"endpoint {endpoint.name}", daemon=True).start()


def enter(endpoint: Endpoint, status: str, failure_reason: str | None = None) -> None:
    """Enter a status and tell of it."""
    endpoint.enter(status, failure_reason=failure_reason)
    announcements.status_changed(endpoint)


def first(endpoint: Endpoint, generation: Generation) -> None:
    """Serve an endpoint for the first time; there is nothing to go back to."""
    try:
        generation.start(generation.desired, lambda: None)
    except NotWell as error:
        enter(endpoint, "Failed", str(error))
        return
    endpoint.route((1.0, generation))
    enter(endpoint, "InService")


class Deployment:
    """One update of an endpoint to another configuration."""

    def __init__(self, endpoint: Endpoint, green: Generation, policy: Policy) -> None:
        blue = endpoint.current
        assert blue is not None, "only an endpoint in service is updated"
        self._endpoint, self._blue, self._green, self._policy = endpoint, blue, green, policy
        self._blue_counts = {name: fleet.count for name, fleet in blue.everyone().items()}
        self._end: float | None = None

    def run(self) -> None:
        """Run it to its end: the new configuration in service, or the old one again."""
        endpoint, green, policy = self._endpoint, self._green, self._policy
        if policy.limit_seconds is not None:
            self._end = clock.seconds() + policy.limit_seconds
        endpoint.pending = Pending(generation=green)
        announcements.deployment_changed(endpoint)
        try:
            if policy.kind == "ROLLING":
                self._roll()
            else:
                self._shift()
        except (_RollBack, NotWell) as reason:
            self._roll_back(str(reason))
            return
        with endpoint.lock:
            endpoint.config, endpoint.pending = green.config, None
            endpoint.route((1.0, green))
        announcements.deployment_changed(endpoint)
        # the old fleet goes only now, and with it its last requests
        clock.sleep(policy.termination_seconds)
        self._blue.stop()
        enter(endpoint, "InService")

    def _shift(self) -> None:
        """Blue/green: a whole fleet beside the old one, then the traffic in steps."""
        self._green.start(self._green.desired, self._check)
        for share in shares(self._policy, self._green.count()):
            self._say("ActivatingTraffic")
            self._endpoint.route((1.0 - share, self._blue), (share, self._green))
            self._bake()

    def _roll(self) -> None:
        """Rolling: batch by batch, new instances come before old ones go."""
        targets = self._green.desired
        steps = batches(self._policy.size, targets)
        left = dict(self._blue_counts)
        for number, batch in enumerate(steps, 1):
            self._say("Creating")
            for name, count in batch.items():
                self._green.everyone()[name].grow(count, self._check)
            last = number == len(steps)
            goes = {name: have if last else min(batch.get(name, 0), have) for name, have in left.items()}
            left = {name: have - goes[name] for name, have in left.items()}
            self._say("ActivatingTraffic")
            new, old = self._green.count(), sum(left[name] for name in self._blue.fleets)
            self._endpoint.route((old / (new + old), self._blue), (new / (new + old), self._green))
            for name, count in goes.items():
                self._blue.everyone()[name].shrink(count)
            self._bake()

    def _bake(self) -> None:
        self._say("Baking")
        until = clock.seconds() + self._policy.wait_seconds
        while True:
            self._check()
            left = until - clock.seconds()
            if left <= 0:
                return
            clock.sleep(min(left, _LOOK_SECONDS * clock.rate()))

    def _check(self) -> None:
        """Raise if the deployment is to be rolled back."""
        policy, endpoint = self._policy, self._endpoint
        if self._end is not None and clock.seconds() > self._end:
            raise _RollBack(f"MaximumExecutionTimeoutInSeconds of {policy.limit_seconds:g} has passed")
        found = alarms.tripped(endpoint.account, endpoint.region, policy.alarms)
        if found:
            raise _RollBack(f"in ALARM: {', '.join(found)}")

    def _say(self, status: str) -> None:
        pending = self._endpoint.pending
        assert pending is not None
        pending.status, pending.since = status, datetime.now(UTC)
        self._endpoint.note(f"{pending.generation.config}: {status}")
        announcements.deployment_changed(self._endpoint)

    def _roll_back(self, reason: str) -> None:
        """Back to the old configuration. As on AWS the endpoint does not say why: it is in service, with no reason."""
        endpoint = self._endpoint
        endpoint.note(f"rolling back: {reason}")
        enter(endpoint, "RollingBack")
        try:
            self._restore_blue()
        except NotWell as error:
            endpoint.pending = None
            enter(endpoint, "UpdateRollbackFailed", str(error))
            return
        endpoint.route((1.0, self._blue))
        self._green.stop()
        endpoint.pending = None
        announcements.deployment_changed(endpoint)
        enter(endpoint, "InService")

    def _restore_blue(self) -> None:
        """What a rolling deployment took away comes back, in batches if the policy says so."""
        fleets = self._blue.everyone()
        missing = {name: count - fleets[name].count for name, count in self._blue_counts.items()}
        if not any(missing.values()):
            return
        size = self._policy.rollback_size
        for batch in batches(size, missing):
            for name, count in batch.items():
                if count:
                    fleets[name].grow(count)
            new, old = self._green.count(), self._blue.count()
            total = sum(self._blue_counts[name] for name in self._blue.fleets)
            back = 1.0 if not new else min(1.0, old / total)
            self._endpoint.route((back, self._blue), (1.0 - back, self._green))
