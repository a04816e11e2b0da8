"""Child processes of one supervisor: started, listened to, signalled as groups, and reaped, in one event loop."""

import contextlib
import os
import selectors
import signal
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn, Protocol

TAIL_BYTES = 16384
"""How much of a child's standard error is kept for the failure file."""

_LONGEST_STEP_SECONDS = 3600.0
"""epoll knows no more than 24 days, and a grace period of years is a way to say `as long as it takes`."""

_HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)


class Hidden(Protocol):
    """What no output may show."""

    def replace(self, data: bytes) -> tuple[bytes, bytes]:
        """What may pass on of the data, and what must wait for more."""

    def replace_all(self, data: bytes) -> bytes:
        """The same of data after which nothing comes."""


class Child:
    """One process that the supervisor started; it leads a process group of its own."""

    def __init__(self, name: str, pid: int) -> None:
        self.name, self.pid = name, pid
        self.status: int | None = None
        """Its exit code, or minus the signal that ended it; None while it runs."""
        self.started_at, self.ended_at = time.time(), 0.0
        self.tail = b""
        self.streams: list[_Stream] = []


class _Stream:
    """One end of a pipe that a child writes to, and where its lines go."""

    def __init__(
        self, source: int, target: int, *, prefix: bytes, child: Child, keeps_tail: bool, supervisor: "Supervisor"
    ) -> None:
        self.source, self.target, self.prefix = source, target, prefix
        self.child, self.keeps_tail = child, keeps_tail
        self.pending = b""
        self._supervisor = supervisor
        self._held = b""
        """What may be the beginning of a secret."""

    def pump(self) -> int | None:
        """Pass on what has arrived and return how much; 0 at the end of the stream, None when nothing is there."""
        try:
            chunk = os.read(self.source, 65536)
        except BlockingIOError:
            return None
        shown, hidden = chunk, self._supervisor.hidden
        if hidden is not None:
            shown, self._held = hidden.replace(self._held + chunk)
        self._pass_on(shown)
        return len(chunk)

    def _pass_on(self, chunk: bytes) -> None:
        if self.keeps_tail:
            self.child.tail = (self.child.tail + chunk)[-TAIL_BYTES:]
        # Whole lines only: others write to the same place, and Python that does not buffer writes a line's break by
        # itself. A progress bar ends its own by \r
        lines = (self.pending + chunk).splitlines(keepends=True)
        self.pending = b"" if not lines or lines[-1].endswith((b"\n", b"\r")) else lines.pop()
        if chunk and self._supervisor.listener is not None:
            self._supervisor.listener(self.child, lines)
        _write_all(self.target, b"".join(self.prefix + line for line in lines))
        if len(self.pending) > TAIL_BYTES:
            # Too long to be kept. Without a prefix the rest of the line can follow as it comes
            self.flush(line_break=self.prefix != b"")

    def flush(self, *, line_break: bool = True) -> None:
        """Pass on what is left of a line that will not end, or is too long to be kept."""
        if self.pending:
            _write_all(self.target, self.prefix + self.pending + (b"\n" if line_break else b""))
            self.pending = b""

    def finish(self) -> None:
        """Pass on everything: nothing more will come."""
        held, self._held = self._held, b""
        self._pass_on(held if self._supervisor.hidden is None else self._supervisor.hidden.replace_all(held))
        self.flush()


class Supervisor:
    """Starts children, passes their output on, and says which of them ended. Use it in the main thread."""

    def __init__(self) -> None:
        self.started_at = time.time()
        self.terminated_at: float | None = None
        """When SIGTERM (or SIGINT) arrived, by the monotonic clock."""

        self.private: set[int] = set()
        """Descriptors of this process that no child may hold: a pipe ends only when its last writer is gone."""

        self.children: dict[int, Child] = {}
        self.hidden: Hidden | None = None
        """What no child's output may show; it is looked for in everything that passes, and `reads_all` goes with it."""

        self.listener: Callable[[Child, list[bytes]], None] | None = None
        """Hears whatever a child writes, with the lines that it ends; `reads_all` goes with it."""

        self.reads_all = False
        """Whether standard output passes here too, whatever it is."""

        self._selector = selectors.DefaultSelector()
        self._wakeup, self._wakeup_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector.register(self._wakeup, selectors.EVENT_READ)
        signal.set_wakeup_fd(self._wakeup_write, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.note_termination)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)

    @property
    def terminated(self) -> bool:
        """Whether SIGTERM (or SIGINT) has arrived."""
        return self.terminated_at is not None

    def note_termination(self, *_: object) -> None:
        """Remember that it arrived, here or on another node."""
        if self.terminated_at is None:
            self.terminated_at = time.monotonic()

    def start(self, name: str, action: Callable[[], object], *, prefix: str = "") -> Child:
        """Fork a child that runs the action in its own session; its standard error is kept and passed on.

        Its standard output is too where it gets a prefix, or would else fall between the pieces of another line.
        """
        sys.stdout.flush()
        sys.stderr.flush()
        both = prefix or self.reads_all or _outputs_are_one()
        pipes = {number: os.pipe2(os.O_CLOEXEC) for number in ((1, 2) if both else (2,))}
        # Until a child has put the default handling back, our own handler would take its signals and forget them
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
        pid = os.fork()
        if pid == 0:
            self._become_child({number: write for number, (_, write) in pipes.items()}, action, before)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        child = Child(name=name, pid=pid)
        for number, (read, write) in pipes.items():
            os.close(write)
            os.set_blocking(read, False)
            stream = _Stream(read, number, prefix=prefix.encode(), child=child, keeps_tail=number == 2, supervisor=self)
            child.streams.append(stream)
            self._selector.register(read, selectors.EVENT_READ, stream)
        self.children[pid] = child
        return child

    def _become_child(self, outputs: dict[int, int], action: Callable[[], object], mask: Iterable[int]) -> NoReturn:
        """Turn this fork into a clean process: no handler, no descriptor and no exception of the parent survives."""
        code = 1
        try:
            os.setsid()
            signal.set_wakeup_fd(-1)
            for handled in _HANDLED:
                signal.signal(handled, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            for number, write in outputs.items():
                os.dup2(write, number)
            for key in list(self._selector.get_map().values()):
                os.close(key.fd)
            for descriptor in (self._wakeup_write, *self.private):
                os.close(descriptor)
            self._selector.close()
            result = action()
            code = result if isinstance(result, int) else 0
        except OSError as error:
            print(f"launcher: {error}", file=sys.stderr, flush=True)
            code = 127
        except SystemExit:
            pass
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(code)

    def watch(self, descriptor: int, callback: Callable[[], None]) -> None:
        """Call back when a descriptor of somebody else's has something to read."""
        self._selector.register(descriptor, selectors.EVENT_READ, callback)

    def unwatch(self, descriptor: int) -> None:
        """Forget a descriptor given to `watch`."""
        with contextlib.suppress(KeyError):
            self._selector.unregister(descriptor)

    def step(self, timeout_seconds: float) -> list[Child]:
        """Wait for something to happen, handle it, and return the children that have ended since."""
        for key, _ in self._selector.select(min(timeout_seconds, _LONGEST_STEP_SECONDS)):
            if key.fd == self._wakeup:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wakeup, 4096)
            elif self._selector.get_map().get(key.fd) != key:
                # Closed meanwhile by a callback that stopped a child; the number may belong to another file by now
                continue
            elif isinstance(key.data, _Stream):
                if key.data.pump() == 0:
                    self._close(key.data)
            elif callable(key.data):
                key.data()
        return self._reap()

    def _reap(self) -> list[Child]:
        """Collect every process that has ended; orphans that a PID 1 inherits are collected and forgotten."""
        ended: list[Child] = []
        # One time for all of them: in which order the kernel hands them out says nothing
        now = time.time()
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            child = self.children.pop(pid, None)
            if child is not None:
                child.status = os.waitstatus_to_exitcode(status)
                child.ended_at = now
                for stream in list(child.streams):
                    self._drain(stream)
                ended.append(child)
        return ended

    def _drain(self, stream: _Stream) -> None:
        """Take what the ended child had written; a grandchild may hold the pipe open for ever, so do not wait."""
        for _ in range(64):
            if not stream.pump():
                break
        self._close(stream)

    def _close(self, stream: _Stream) -> None:
        if stream in stream.child.streams:
            stream.finish()
            stream.child.streams.remove(stream)
            self._selector.unregister(stream.source)
            os.close(stream.source)

    def signal(self, children: Iterable[Child], number: int) -> None:
        """Signal the processes themselves; their own children are theirs to tell."""
        for child in children:
            if child.status is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child.pid, number)

    def kill_groups(self, children: Iterable[Child]) -> None:
        """Kill processes with all that they started, so that no data loader outlives its rank."""
        for child in children:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
                continue
            # A child that has only just been forked has no group of its own yet
            self.signal([child], signal.SIGKILL)

    def stop(self, children: Iterable[Child], *, grace_seconds: float) -> list[Child]:
        """SIGTERM, then SIGKILL to the groups once the grace period is over; returns the children that ended."""
        waiting = [child for child in children if child.status is None]
        self.signal(waiting, signal.SIGTERM)
        deadline = time.monotonic() + grace_seconds
        ended: list[Child] = []
        killed = False
        while any(child.status is None for child in waiting):
            left = deadline - time.monotonic()
            if left <= 0 and not killed:
                self.kill_groups(waiting)
                killed = True
            ended += self.step(max(left, 0.02) if not killed else 0.5)
        self.kill_groups(waiting)
        return ended

    def pause(self, seconds: float) -> None:
        """Sleep, but wake up for signals and children."""
        self.step(seconds)


def execute(command: list[str], environ: dict[str, str], *, working_dir: Path | None) -> Callable[[], NoReturn]:
    """The action that replaces the child by another program; there is no shell in between."""

    def action() -> NoReturn:
        if working_dir is not None:
            os.chdir(working_dir)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            # Python ignores them, and what a process ignores its successor ignores too
            signal.signal(number, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.execvpe(command[0], command, environ)

    return action


def _outputs_are_one() -> bool:
    """Whether both outputs go to the same place, which is no terminal: a program that finds one may rely on it."""
    return os.path.sameopenfile(1, 2) and not os.isatty(1)


def _write_all(target: int, data: bytes) -> None:
    while data:
        data = data[os.write(target, data) :]
