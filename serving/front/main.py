"""The container's first process: from the first /ping to the last answer after SIGTERM."""

import asyncio
import signal
import socket
import time

import uvloop

from contract.serving import CANNOT_SERVE
from serving import log
from serving.front.client import Client, Message
from serving.front.metrics import Metrics
from serving.front.models import Models
from serving.front.pool import Loaded, Pool
from serving.front.routes import Routes
from serving.front.zygote import Zygote
from serving.settings import Settings

_DOOR_SECONDS = 0.15
"""For those who were connected when the door closed but have yet to send their request."""
_BACKLOG = 1024
THE_MODEL = "model"
"""The name of the only model of a container that has one."""


def run(settings: Settings) -> int:
    """Serve until SIGTERM, or until it is known that the model cannot be served; returns the exit code."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_Front(settings).run())


class _Front:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.connections: set[Client] = set()
        self.is_draining = False
        self.pools: list[Pool] = []
        self.models: Models | None = None
        self.routes: Routes
        self.zygote: Zygote
        self.stop: asyncio.Future[int]
        """The exit code, once it is known that the container ends."""

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        self.stop = loop.create_future()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end, 0)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, signal.SIGINT))
        door = socket.create_server((self.settings.host, self.settings.port), backlog=_BACKLOG)
        door.setblocking(False)
        self._build(loop)
        server = await loop.create_server(self._client, sock=door.dup())
        self.zygote = Zygote(worker_made=self._worker_made, is_there=self._fill, is_gone=self._zygote_gone)
        tasks = [loop.create_task(self._watch()), loop.create_task(self._tell_metrics())]
        code = await self.stop
        for task in tasks[1:]:
            task.cancel()
        if code == 0:
            await self._drain(server, door)
        tasks[0].cancel()
        self._leave()
        return code

    def _build(self, loop: asyncio.AbstractEventLoop) -> None:
        settings = self.settings
        if settings.multi_model:
            self.models = Models(
                make_pool=self._make_pool,
                invoke=lambda pool, client, message: self.routes.invoke(pool, client, message),
                memory_bytes=settings.memory_bytes,
                is_up=self._is_up,
            )
            pool = None
        else:
            pool = self._make_pool(THE_MODEL, str(settings.model_folder))
            pool.loaded.add_done_callback(self._model_loaded)
        self.routes = Routes(
            settings,
            is_up=self._is_up,
            pool=pool,
            models=None if self.models is None else self.models.handle,
            now=time.monotonic,
        )

    def _make_pool(self, name: str, folder: str) -> Pool:
        workers = 1 if self.settings.multi_model else self.settings.workers
        pool = Pool(self.settings, self.metrics, name=name, folder=folder, workers=workers, spawn=self._spawn)
        self.pools.append(pool)
        if self.settings.multi_model:
            pool.fill()
        return pool

    def _client(self) -> Client:
        client = Client(self._route, max_body=self.settings.max_body, connections=self.connections)
        client.is_draining = self.is_draining
        return client

    def _route(self, client: Client, message: Message) -> None:
        self.routes.route(client, message)

    def _is_up(self) -> bool:
        if self.is_draining:
            return False
        return self.zygote.can_fork if self.models is not None else any(pool.is_up for pool in self.pools)

    # ---- workers

    def _spawn(self, pool: Pool) -> bool:
        return self.zygote.ask(pool.name, pool.folder)

    def _fill(self) -> None:
        for pool in self.pools:
            pool.fill()

    def _worker_made(self, name: str, pid: int, line: socket.socket) -> None:
        pool = next((pool for pool in self.pools if pool.name == name and not pool.closing), None)
        if pool is None or (self.is_draining and not pool.live):
            line.close()
            return
        loop = asyncio.get_running_loop()
        task = loop.create_task(loop.create_unix_connection(lambda: pool.new_link(pid), sock=line))
        pool.keep(task)

    def _zygote_gone(self, problem: str | None) -> bool:
        for pool in self.pools:
            pool.forget_awaited()
        if problem is not None and not any(pool.is_up for pool in self.pools):
            log.say(problem)
            self._end(CANNOT_SERVE)
            return False
        return not self.stop.done()

    def _model_loaded(self, loaded: "asyncio.Future[Loaded]") -> None:
        problem = loaded.result().problem
        if problem is not None:
            log.say(f"the model cannot be loaded: {problem}")
            self._end(CANNOT_SERVE)

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        limit = self.settings.startup_seconds
        while True:
            await asyncio.sleep(min(0.25, self.settings.limit_seconds / 4))
            self.pools = [pool for pool in self.pools if not pool.closing or pool.links]
            for pool in self.pools:
                pool.watch(time.monotonic())
            first = None if self.models is not None else self.pools[0]
            if first is not None and not first.loaded.done() and loop.time() - began > limit:
                log.say(f"the model was not loaded within {limit:g} s")
                self._end(CANNOT_SERVE)

    async def _tell_metrics(self) -> None:
        while self.settings.metrics_seconds:
            await asyncio.sleep(self.settings.metrics_seconds)
            self._print_metrics()

    def _print_metrics(self) -> None:
        line = self.metrics.line(
            queue=sum(len(pool.queue) for pool in self.pools),
            workers=sum(link.is_ready for pool in self.pools for link in pool.links),
            models=len([pool for pool in self.pools if pool.is_up]),
        )
        if line is not None:
            print(line, flush=True)

    # ---- the end

    def _end(self, code: int) -> None:
        if not self.stop.done():
            self.stop.set_result(code)

    async def _drain(self, server: asyncio.Server, door: socket.socket) -> None:
        """Answer all who are inside, and all who come until nobody is; then close the door without a reset."""
        self.is_draining = True
        for client in self.connections:
            client.is_draining = True
        log.say(f"told to stop: {self._live()} requests are in flight")
        until = time.monotonic() + self.settings.drain_seconds
        while self._live() and time.monotonic() < until:
            await asyncio.sleep(0.02)
        server.close()
        loop = asyncio.get_running_loop()
        accepted = []
        while True:  # who stands in the accept queue would be reset when the socket closes
            try:
                connection, _ = door.accept()
            except BlockingIOError:
                break
            connection.setblocking(False)
            accepted.append(loop.create_task(loop.connect_accepted_socket(self._client, connection)))
        door.close()
        opened = time.monotonic() + _DOOR_SECONDS
        while time.monotonic() < opened or (self._live() and time.monotonic() < until):
            await asyncio.sleep(0.01)
        for client in list(self.connections):
            client.close()
        await asyncio.sleep(0.05)

    def _live(self) -> int:
        return sum(pool.live for pool in self.pools)

    def _leave(self) -> None:
        self._print_metrics()
        for pool in self.pools:
            pool.close()
        self.zygote.stop()
