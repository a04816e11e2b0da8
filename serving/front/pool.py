"""The workers of one model, and the queue before them."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from serving import log
from serving.front.answers import error
from serving.front.link import Link
from serving.front.metrics import Metrics
from serving.front.request import Request
from serving.settings import Settings

_MOST_FAILED_STARTS = 3
_LONGEST_PAUSE_SECONDS = 5.0
_GRACE_SECONDS = 1.0
"""For a worker that ends a late request by itself, and keeps the others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """What came of loading a model."""

    problem: str | None = None
    """What went wrong; None: it serves."""
    out_of_memory: bool = False
    """Whether it was the memory."""


class Pool:
    """Gives each request to the least busy worker, and to another one when the first dies."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        *,
        name: str,
        folder: str,
        workers: int,
        spawn: Callable[["Pool"], bool],
    ) -> None:
        self.name = name
        self.folder = folder
        self.links: set[Link] = set()
        self.queue: deque[Request] = deque()
        self.batch = 1
        self.slots = 0
        self.about: Mapping[str, Any] = {}
        self.live = 0
        """Requests that are neither answered nor given up."""
        self.closing = False
        self.loaded: asyncio.Future[Loaded] = asyncio.get_running_loop().create_future()
        """Set when the first worker is ready, or when none will be."""
        self._settings = settings
        self._metrics = metrics
        self._workers = workers
        self._spawn = spawn
        self._tasks: set[asyncio.Task[Any]] = set()
        self._awaited = 0
        self._grace = 0.0
        self._retries = settings.retries
        self._failed_starts = 0
        self._problem = ""
        self._loop = asyncio.get_running_loop()

    @property
    def is_up(self) -> bool:
        """Whether a worker has the model."""
        return any(link.is_ready for link in self.links)

    @property
    def is_known(self) -> bool:
        """Whether it was loaded: it is listed, even while its only worker is being replaced."""
        return self.loaded.done() and self.loaded.result().problem is None and not self.closing

    # ---- requests

    def submit(self, request: Request) -> None:
        """Take a request in, or refuse it where too many wait."""
        self.live += 1
        if len(self.queue) >= self._settings.queue:
            self._refuse(request, 503, f"{len(self.queue)} requests wait already: try again later")
            return
        self.queue.append(request)
        self.pump()

    def pump(self) -> None:
        """Give waiting requests to workers that have room."""
        while self.queue:
            is_alone = self.queue[0].tries > 0
            chosen = min(
                (link for link in self.links if link.is_ready and link.room > 0 and not (is_alone and link.load)),
                key=lambda link: link.load,
                default=None,
            )
            if chosen is None:
                return
            request = self.queue.popleft()
            if not request.gone:
                chosen.send(request)

    def cancel(self, request: Request) -> None:
        """The client is gone."""
        if request.gone:
            return
        request.gone = True
        self.live -= 1
        for link in self.links:
            if request.number in link.running:
                link.cancel(request)

    def finished(self, request: Request, status: int) -> None:
        """A worker has answered; counted here, since the client may be gone."""
        request.gone = True
        self.live -= 1
        self._count(request, status)

    def watch(self, now: float) -> None:
        """End workers that do not move, and answer requests that waited too long."""
        limit = self._settings.limit_seconds
        for link in self.links:
            if link.load and link.is_ready and now - link.since > limit + self._grace:
                link.is_ready = False
                numbers = ", ".join(request.identity for request in link.running.values())
                log.say(f"worker {link.pid} has not moved for {limit:g} s and is ended; it had {numbers}")
                link.kill()
        while self.queue and (self.queue[0].gone or now - self.queue[0].arrived > limit):
            request = self.queue.popleft()
            if not request.gone:
                self._refuse(request, 503, f"no worker was free for {limit:g} s")

    # ---- workers

    def fill(self) -> None:
        """Ask for the workers that are missing."""
        while not self.closing and len(self.links) + self._awaited < self._workers and self._spawn(self):
            self._awaited += 1

    def forget_awaited(self) -> None:
        """Who was to make workers is gone."""
        self._awaited = 0

    def new_link(self, pid: int) -> Link:
        """The line to a worker that was made for this pool."""
        return Link(self, pid)

    def keep(self, task: asyncio.Task[Any]) -> None:
        """Hold a task until it is done: the loop itself does not."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def joined(self, link: Link) -> None:
        """A worker was made; it has yet to say that it is ready."""
        self._awaited -= 1
        link.since = time.monotonic()
        self.links.add(link)
        if self.closing:
            link.close()

    def became_ready(self, link: Link, about: Mapping[str, Any]) -> None:
        """A worker has its model."""
        self.about = about
        self.batch = about["batch"] if self._settings.batch is None else min(self._settings.batch, about["batch"])
        self.slots = about["slots"]
        if about["ranks"] > 1:
            self._retries = 0  # another group has to load the model first, which takes longer than clients wait
        self._grace = _GRACE_SECONDS if about["keeps_time"] else 0.0
        self._failed_starts = 0
        if not self.loaded.done():
            self.loaded.set_result(Loaded())

    def could_not_load(self, problem: str) -> None:
        """A worker says why it will not become ready."""
        self._problem = problem

    def left(self, link: Link) -> None:
        """A worker is gone: what it had is tried elsewhere, unless an answer has begun or it was tried enough."""
        self.links.discard(link)
        now = time.monotonic()
        was_ready = link.was_ready
        for request in reversed(link.running.values()):
            self._retry(request, now)
        link.running.clear()
        if self.closing:
            return
        if was_ready:
            log.say(f"worker {link.pid} is gone, another takes its place")
            self._metrics.restarts += 1
            self.fill()
        else:
            self._start_failed()
        self.pump()

    def close(self) -> None:
        """End all workers; whoever still waits hears that the model is gone."""
        self.closing = True
        for request in self.queue:
            if not request.gone:
                self._refuse(request, 503, "the model was unloaded")
        self.queue.clear()
        for link in list(self.links):
            link.close()
            link.kill()

    def _start_failed(self) -> None:
        self._failed_starts += 1
        problem = self._problem or "its process was killed while it loaded the model"
        known = bool(self._problem)
        if not self.loaded.done() and (known or self._failed_starts >= _MOST_FAILED_STARTS):
            memory = problem.startswith("MemoryError") or not known
            self.loaded.set_result(Loaded(problem=problem, out_of_memory=memory))
            return
        pause = min(_LONGEST_PAUSE_SECONDS, 0.1 * 2**self._failed_starts)
        log.say(f"a worker of {self.name} did not start: {problem}; the next try is in {pause:g} s")
        self._loop.call_later(pause, self.fill)

    def _retry(self, request: Request, now: float) -> None:
        if request.started:
            log.say(f"request {request.identity} lost its worker within its answer, which is broken off")
            self.finished(request, 500)
            request.caller.abort()
        elif now - request.arrived > self._settings.limit_seconds:
            self._refuse(request, 504, f"the model did not answer within {self._settings.limit_seconds:g} s")
        elif request.tries >= self._retries:
            self._refuse(request, 500, "the worker that had the request died")
        else:
            request.tries += 1
            self._metrics.retries += 1
            self.queue.appendleft(request)

    def _refuse(self, request: Request, status: int, why: str) -> None:
        self.finished(request, status)
        request.caller.reply(status, error(why, request.identity))

    def _count(self, request: Request, status: int) -> None:
        now = time.monotonic()
        self._metrics.count(status, seconds=now - request.arrived, waited=request.sent - request.arrived)
        if status >= 400 or self._settings.log_requests:
            log.say(f"request {request.identity} {self.name} {status} in {1000 * (now - request.arrived):.1f} ms")
