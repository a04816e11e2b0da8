"""What the zygote forks: workers, each with the other ranks of a model that one process cannot hold."""

import json
import os
import signal
import socket
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from contract.serving import CANNOT_SERVE
from serving import log
from serving.engines.choose import Served
from serving.engines.ranks import Place
from serving.engines.tokens import TokenHandler
from serving.settings import Settings
from serving.worker import concurrent, streams
from serving.worker.loading import LoadError, load_handler
from serving.worker.loop import Worker
from serving.worker.program import ProgramHandler

_LINE_BYTES = 1 << 20


class Forks:
    """The children of this process. One rank that dies takes its group with it: the others wait for it for ever."""

    def __init__(self, settings: Settings, line: socket.socket) -> None:
        self._settings = settings
        self._line = line
        self._groups: dict[int, tuple[int, ...]] = {}
        self._made = 0
        signal.signal(signal.SIGCHLD, lambda *_: self._bury())

    def make(self, asked: dict[str, Any], handler: Served | None) -> None:
        """Fork a worker, and tell the front of it."""
        ours, theirs = _pair()
        settings = replace(self._settings, model_folder=Path(asked["folder"]))
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGCHLD,))
        places = _places(settings.ranks)
        pids = [self._fork(settings, (ours, theirs), handler, places, rank) for rank in range(settings.ranks)]
        self._groups.update(dict.fromkeys(pids, tuple(pids)))
        self._made += 1
        theirs.close()
        for place in places:
            for end in place.lines:
                end.close()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGCHLD,))
        message = json.dumps({"name": asked["name"], "pid": pids[0]}).encode()
        socket.send_fds(self._line, [message], [ours.fileno()])
        ours.close()

    def _fork(
        self,
        settings: Settings,
        pair: tuple[socket.socket, socket.socket],
        handler: Served | None,
        places: list[Place],
        rank: int,
    ) -> int:
        pid = os.fork()
        if pid:
            return pid
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGCHLD,))
        ours, theirs = pair
        ours.close()
        self._line.close()
        place = places[rank] if places else None
        for other in places:
            for end in other.lines if other is not place else ():
                end.close()
        _show_gpu(settings, self._made * settings.ranks + rank)
        if place is not None and rank:
            theirs.close()
            _run(lambda: _follow(settings, place))
        _run(
            lambda: _be_worker(
                Worker(theirs),
                settings,
                lambda: load_handler(settings, settings.model_folder, place) if handler is None else handler,
            )
        )
        raise AssertionError("a fork does not return")

    def _bury(self) -> None:
        for pid in list(self._groups):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if not ended:
                continue
            group = self._groups.pop(pid)
            for other in group:
                if other in self._groups:
                    os.kill(other, signal.SIGKILL)
            number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
            if number not in (None, signal.SIGKILL) or (number is None and os.WEXITSTATUS(status)):
                how = f"exit code {os.WEXITSTATUS(status)}" if number is None else signal.Signals(number).name
                log.say(f"worker {pid} ended with {how}")


def _pair() -> tuple[socket.socket, socket.socket]:
    pair = socket.socketpair()
    for end in pair:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LINE_BYTES)
    return pair


def _places(ranks: int) -> list[Place]:
    """Where each rank of a group stands; none for a worker that has its model whole."""
    if ranks == 1:
        return []
    pairs = [_pair() for _ in range(ranks - 1)]
    meeting = Path(tempfile.mkdtemp(prefix="serving-ranks-")) / "meeting"
    lines = [tuple(first for first, _ in pairs), *((second,) for _, second in pairs)]
    return [Place(rank=rank, ranks=ranks, lines=lines[rank], meeting=meeting) for rank in range(ranks)]


def _show_gpu(settings: Settings, number: int) -> None:
    """One to each process."""
    if settings.gpus:
        shown = os.environ.get("CUDA_VISIBLE_DEVICES", ",".join(map(str, range(settings.gpus)))).split(",")
        os.environ["CUDA_VISIBLE_DEVICES"] = shown[number % settings.gpus]


def _run(what: Callable[[], None]) -> None:
    """All that a fork does; it never returns into what the zygote was doing."""
    try:
        what()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def _follow(settings: Settings, place: Place) -> None:
    try:
        handler = load_handler(settings, settings.model_folder, place)
    except LoadError:
        os._exit(CANNOT_SERVE)  # rank 0 fails in the same way, and says so
    if isinstance(handler, TokenHandler):
        handler.follow()


def _be_worker(worker: Worker, settings: Settings, load: Callable[[], Served]) -> None:
    try:
        handler = load()
    except LoadError as error:
        worker.tell_failure(str(error))
        os._exit(CANNOT_SERVE)
    if isinstance(handler, TokenHandler):
        streams.serve(worker, handler)
    elif isinstance(handler, ProgramHandler) and handler.is_concurrent:
        concurrent.serve(worker, handler, settings)
    else:
        worker.serve(handler, settings)
