"""The front's end of the line to the process that loads the model and forks workers."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from serving import log

_MESSAGE_BYTES = 1 << 16
_PAUSE_SECONDS = 1.0


class Zygote:
    """Starts that process, and another when it dies: workers outlive it, and go on answering meanwhile."""

    def __init__(
        self,
        *,
        worker_made: Callable[[str, int, socket.socket], None],
        is_there: Callable[[], None],
        is_gone: Callable[[str | None], bool],
    ) -> None:
        self.can_fork = False
        self._worker_made = worker_made
        self._is_there = is_there
        self._is_gone = is_gone
        self._loop = asyncio.get_running_loop()
        self._problem: str | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self.start()

    def start(self) -> None:
        """Start the process, on a thread of nobody: it is up to it to say when it can fork."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        command = [sys.executable, "-m", "serving.worker", str(theirs.fileno())]
        self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], env=_environment())
        theirs.close()
        self._line = ours
        self._problem = None
        self._loop.add_reader(ours.fileno(), self._read)

    def ask(self, name: str, folder: str) -> bool:
        """Ask for a worker; whether it was possible."""
        if self._line is None or not self.can_fork:
            return False
        try:
            self._line.send(json.dumps({"name": name, "folder": folder}).encode())
        except OSError:
            return False
        return True

    def stop(self) -> None:
        """End the process."""
        self._forget_line()
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _forget_line(self) -> None:
        self.can_fork = False
        if self._line is not None:
            self._loop.remove_reader(self._line.fileno())
            self._line.close()
            self._line = None

    def _read(self) -> None:
        assert self._line is not None
        try:
            data, handles, _, _ = socket.recv_fds(self._line, _MESSAGE_BYTES, 1)
        except BlockingIOError:
            return
        except OSError:
            data, handles = b"", []
        if not data:
            self._lost()
            return
        message: dict[str, Any] = json.loads(data)
        if "pid" in message:
            self._worker_made(message["name"], message["pid"], socket.socket(fileno=handles[0]))
        elif "problem" in message:
            self._problem = message["problem"]
        else:
            self.can_fork = True
            self._is_there()

    def _lost(self) -> None:
        self._forget_line()
        assert self._process is not None
        code = self._process.wait()
        if self._is_gone(self._problem):
            log.say(f"the process that makes workers ended with {code}; another is started, and workers go on")
            self._loop.call_later(_PAUSE_SECONDS, self.start)


def _environment() -> dict[str, str]:
    """One thread per worker unless the user says otherwise: more only fight each other for the processors."""
    threads = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    # A thread of TensorFlow's or of the tokenizers' would not survive the fork
    others = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    return {**threads, **others, "PYTHONUNBUFFERED": "1", **os.environ}
