"""One instance of a fleet: its containers, its health, how busy it is, and the faults that it is made to have."""

import contextlib
import secrets
import threading
from collections.abc import Callable
from typing import Literal

from embedded import clock
from embedded.nodes.engine import Engine
from embedded.services.sagemaker.serving.containers.container import ContainerSpec, ModelContainer, NotWell
from embedded.services.sagemaker.serving.fleets.plan import FleetPlan

State = Literal["starting", "well", "sick", "stopped"]
PING_EVERY_SECONDS = 1.0
"""Seconds of the machine between two health checks of a running instance; AWS gives no figure."""
STARTS_MOST = 3
"""How often a container that ends at once is started; AWS goes on until the health check's time is up."""
_SHORTEST_START_SECONDS = 30.0
"""A program starts no faster on a fast clock."""
_REASON_MOST = 1024


class Member:
    """One instance."""

    def __init__(self, plan: FleetPlan, engine: Engine) -> None:
        self.plan, self._engine = plan, engine
        self.id = f"i-{secrets.token_hex(9)[:17]}"
        self.state: State = "starting"
        self.outstanding = 0
        self.slow_seconds = 0.0
        """A fault: each request waits so long first."""
        self.fails_health = False
        """A fault: its health checks fail."""
        self.setup_seconds: float | None = None
        """How long the request that it was started for had to wait, until it is told."""
        self.containers: dict[str, ModelContainer] = {}
        self._lock = threading.Condition()
        self._stopping = threading.Event()

    def start(self, check: Callable[[], None]) -> None:
        """Start the containers and wait until all are well; `NotWell` has the service's words. `check` may raise."""
        try:
            for name in self.plan.container_names():
                self._start(name, check)
            for name in self.plan.container_names():
                self._wait(name, check)
        except BaseException:
            self.stop(0)
            raise
        self.state = "well"
        threading.Thread(target=self._watch, name=f"health {self.id}", daemon=True).start()

    def _start(self, name: str, check: Callable[[], None]) -> None:
        plan = self.plan
        definition = plan.definitions[plan.container_names().index(name)]
        spec = ContainerSpec(
            definition=definition,
            role_arn=plan.model["ExecutionRoleArn"],
            region=plan.region,
            log_group=plan.log_group,
            log_stream=plan.log_stream(self.id, name),
            is_isolated=bool(plan.model.get("EnableNetworkIsolation")),
        )
        made = ModelContainer(spec, self._engine)
        old = self.containers.get(name)
        self.containers[name] = made
        if old is not None:
            old.stop(0)
        check()
        try:
            made.start()
        except NotWell as error:
            raise NotWell(f"{self._which(name)} could not be started. {error}"[:_REASON_MOST]) from error

    def _wait(self, name: str, check: Callable[[], None]) -> None:
        seconds = self.plan.start_seconds
        real = max(clock.real(seconds), min(seconds, _SHORTEST_START_SECONDS))
        for attempt in range(1, STARTS_MOST + 1):
            made = self.containers[name]
            try:
                made.wait_until_well(real, check=check)
                return
            except NotWell as error:
                if made.has_ended and attempt < STARTS_MOST:
                    self._start(name, check)
                    continue
                said = f"{self._which(name)} did not pass the ping health check. {error} Its last lines were: "
                lines = made.last_lines() or "none"
                # the end of the log says most
                raise NotWell(said + lines[-(_REASON_MOST - len(said)) :]) from error

    def _which(self, name: str) -> str:
        noun = "The primary container" if len(self.plan.definitions) == 1 else f"The container {name}"
        return f"{noun} for production variant {self.plan.name}"

    def _watch(self) -> None:
        """Check the health now and then: what fails gets no requests, what has ended is started again."""
        misses = 0
        while not self._stopping.wait(PING_EVERY_SECONDS):
            ended = [name for name, one in self.containers.items() if one.has_ended]
            if ended:
                self.state = "sick"
                self._restart(ended)
                continue
            well = not self.fails_health and all(one.is_well() for one in self.containers.values())
            misses = 0 if well else misses + 1
            if self._stopping.is_set():
                return
            if well:
                self.state = "well"
            elif misses > 1:
                self.state = "sick"

    def _restart(self, names: list[str]) -> None:
        with contextlib.suppress(NotWell):
            for name in names:
                self._start(name, lambda: None)
                if self._stopping.is_set():
                    # stopped while it was being started
                    self.containers[name].stop(0)

    def note_trouble(self) -> None:
        """A request found no container: look no longer before the health check does."""
        if any(one.has_ended for one in self.containers.values()):
            self.state = "sick"

    def take_setup(self) -> dict[str, float]:
        """The metric of a cold start, for the one request that had to wait for it."""
        seconds, self.setup_seconds = self.setup_seconds, None
        return {} if seconds is None else {"ModelSetupTime": seconds * 1e6}

    def begin(self) -> None:
        """Count a request in."""
        with self._lock:
            self.outstanding += 1

    def done(self) -> None:
        """Count a request out."""
        with self._lock:
            self.outstanding -= 1
            self._lock.notify_all()

    def drain(self, seconds: float) -> None:
        """Wait until no request is on its way, at most so many of the machine's seconds."""
        with self._lock:
            self._lock.wait_for(lambda: self.outstanding == 0, seconds)

    def kill(self) -> None:
        """A fault: its containers are killed."""
        for one in self.containers.values():
            one.signal(9)

    def stop(self, grace_seconds: float | None = None) -> None:
        """End the containers; the instance is gone."""
        self.state = "stopped"
        self._stopping.set()
        for one in self.containers.values():
            with contextlib.suppress(OSError):
                one.stop(grace_seconds)
