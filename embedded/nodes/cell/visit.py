"""A visitor of a running node: one command in its namespaces, on pipes or on a terminal of its own.

Whoever runs this is the cloud's owner: the kernel lets nobody else into the namespaces. Nothing of the owner's reaches
the node but bytes: a program there could open whatever a visitor held, the owner's terminal first of all.
"""

import contextlib
import fcntl
import os
import selectors
import signal
import struct
import sys
import termios
import tty
from collections.abc import Sequence
from typing import NoReturn

from embedded.nodes.cell import libc
from embedded.nodes.cell.node import CANNOT_RUN

CODE = "/opt/ml/code"
_CHUNK_BYTES = 65536
_NAMESPACES = ("uts", "ipc", "net", "mnt", "pid")


def main(arguments: Sequence[str]) -> int:
    """`PID ISOLATION FOLDER terminal|pipes COMMAND...`: run the command beside the node's program; its exit code."""
    pid, isolation, folder, kind, *command = arguments
    if kind == "terminal":
        ours, theirs = os.openpty()
        _copy_size(ours)
        visitor = _fork(int(pid), isolation, folder, command, (theirs, theirs, theirs), terminal=True)
        os.close(theirs)
        _on_terminal(ours)
    else:
        pipes = [os.pipe() for _ in range(3)]
        (stdin, _), (_, stdout), (_, stderr) = pipes
        for end in (pipes[0][1], pipes[1][0], pipes[2][0]):
            os.set_inheritable(end, False)
        visitor = _fork(int(pid), isolation, folder, command, (stdin, stdout, stderr), terminal=False)
        for end in (stdin, stdout, stderr):
            os.close(end)
        _on_pipes(pipes[0][1], {pipes[1][0]: 1, pipes[2][0]: 2})
    _, status = os.waitpid(visitor, 0)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _fork(
    pid: int, isolation: str, folder: str, command: Sequence[str], outputs: tuple[int, int, int], *, terminal: bool
) -> int:
    """Start the process that enters the node; it ends as the command does."""
    visitor = os.fork()
    if visitor != 0:
        return visitor
    code = CANNOT_RUN
    try:
        libc.die_with_parent()
        for place, descriptor in zip((0, 1, 2), [os.dup(one) for one in outputs], strict=True):
            os.dup2(descriptor, place)
        os.closerange(3, 1024)
        code = _visit(pid, isolation, folder, command, terminal=terminal)
    except OSError as error:
        os.write(2, f"cannot visit the node: {error}\n".encode())
    finally:
        os._exit(code)


def _visit(pid: int, isolation: str, folder: str, command: Sequence[str], *, terminal: bool) -> int:
    with open(f"/proc/{pid}/environ", "rb") as file:
        pairs = (pair.partition(b"=") for pair in file.read().split(b"\0") if pair)
        environment = {os.fsdecode(name): os.fsdecode(value) for name, _, value in pairs}
    root = -1
    if isolation != "loopback":
        root = os.open(f"/proc/{pid}/root", os.O_PATH | os.O_DIRECTORY)
        names = ("user", *_NAMESPACES) if isolation == "user" else _NAMESPACES
        for namespace in [os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY) for name in names]:
            libc.enter_namespace(namespace)
    # Only a child is in the process namespace that was entered
    child = os.fork()
    if child == 0:
        _become(command, environment, folder, root, terminal=terminal)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _become(command: Sequence[str], environment: dict[str, str], folder: str, root: int, *, terminal: bool) -> NoReturn:
    try:
        os.setsid()
        libc.die_with_parent()
        if terminal:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        if root >= 0:
            os.fchdir(root)
            os.chroot(".")
            libc.drop_capabilities()
        os.chdir(CODE if root >= 0 and os.path.isdir(CODE) else folder)
        os.closerange(3, 1024)
        os.execvpe(command[0], list(command), {**environment, "TERM": os.environ.get("TERM", "dumb")})
    except OSError as error:
        os.write(2, f"cannot run {command[0]!r}: {error}\n".encode())
    finally:
        os._exit(CANNOT_RUN)


def _on_terminal(ours: int) -> None:
    """Pass bytes between the person's terminal and the node's, until that one is closed."""
    before = termios.tcgetattr(0) if os.isatty(0) else None
    signal.signal(signal.SIGWINCH, lambda *_: _copy_size(ours))
    if before is not None:
        # What was typed ahead stays
        tty.setraw(0, termios.TCSADRAIN)
    try:
        _pass_on({0: ours, ours: 1}, until={ours})
    finally:
        if before is not None:
            termios.tcsetattr(0, termios.TCSADRAIN, before)


def _on_pipes(stdin: int, outputs: dict[int, int]) -> None:
    """Pass the command's outputs on, and what is piped in here; a person's terminal is not read."""
    if os.isatty(0):
        os.close(stdin)
        _pass_on(outputs, until=set(outputs))
    else:
        _pass_on({**outputs, 0: stdin}, until=set(outputs))


def _pass_on(routes: dict[int, int], *, until: set[int]) -> None:
    """Copy from each descriptor to its other; ends when all of `until` have ended."""
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    selector = selectors.PollSelector()
    for source in routes:
        selector.register(source, selectors.EVENT_READ)
    left = set(until)
    while left:
        for key, _ in selector.select():
            if _copy(key.fd, routes[key.fd]):
                continue
            selector.unregister(key.fd)
            left.discard(key.fd)
            if key.fd == 0 and routes[0] not in routes:
                os.close(routes[0])


def _copy(source: int, target: int) -> bool:
    """Copy what is there; False at its end, and where nobody takes it any more."""
    try:
        data = os.read(source, _CHUNK_BYTES)
        rest = data
        while rest:
            rest = rest[os.write(target, rest) :]
    except OSError:
        # A terminal whose other end is closed fails where a pipe would end
        return False
    return bool(data)


def _copy_size(ours: int) -> None:
    """Give the node's terminal the size of the person's."""
    with contextlib.suppress(OSError):
        size = fcntl.ioctl(0, termios.TIOCGWINSZ, struct.pack("HHHH", 0, 0, 0, 0))
        fcntl.ioctl(ours, termios.TIOCSWINSZ, size)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
