"""One node: a process that makes the node's namespaces, starts the program as process 1 in them, and reports its end.

The keeper (this process) is a child of the cell, and the program is a child of the keeper. Each dies with its parent,
and the kernel ends a process namespace with its process 1, so nothing of a node can outlive its cell.
"""

import os
import signal
import socket
import sys
from dataclasses import dataclass
from typing import IO, NoReturn

from embedded.nodes.cell import libc, network
from embedded.nodes.cell import root as node_root
from embedded.nodes.cell.plan import NodePlan
from embedded.nodes.cell.processes import kill_descendants

NAMESPACES = libc.CLONE_NEWNS | libc.CLONE_NEWUTS | libc.CLONE_NEWIPC | libc.CLONE_NEWNET
CANNOT_RUN = 127


@dataclass(kw_only=True, slots=True)
class Node:
    """A node as its cell sees it."""

    plan: NodePlan
    keeper: int
    """The keeper's process id."""
    reports: IO[str]
    """The keeper's reports: `made`, `started PID`, `exited CODE`, `failed WHY`; it ends with the keeper."""
    hand_over: socket.socket
    """The socket on which the program's process sends the devices of the streamed folders."""
    go: IO[str]
    """A line here lets the keeper continue once its cable exists."""
    program: int = 0
    """The program's process id as the machine sees it; 0 before it runs."""
    exit_code: int | None = None
    """How the program ended; 128 + N for signal N."""

    def expect(self, word: str) -> str:
        """Read the keeper's next report, which must be `word`, and return the rest of it."""
        said = self.reports.readline().rstrip("\n")
        head, _, rest = said.partition(" ")
        if head != word:
            raise OSError(f"node {self.plan.host} could not be made: {rest or said or 'its keeper ended'}")
        return rest

    def devices(self) -> list[int]:
        """The devices of the streamed folders, in order; fewer if the program's process could not mount them."""
        found: list[int] = []
        for _ in self.plan.streams:
            found += socket.recv_fds(self.hand_over, 1, 1)[1]
        self.hand_over.close()
        return found


def spawn(plan: NodePlan, output: int, address: str, *, namespaces: bool) -> Node:
    """Start the keeper of a node; its program's output goes to the file descriptor `output`."""
    report_read, report_write = os.pipe()
    go_read, go_write = os.pipe()
    ours, theirs = socket.socketpair()
    keeper = os.fork()
    if keeper == 0:
        os.close(report_read)
        os.close(go_write)
        ours.close()
        code = 1
        try:
            reports, go = os.fdopen(report_write, "w", buffering=1), os.fdopen(go_read)
            _keep(plan, output, address, reports, go, theirs, namespaces)
            code = 0
        finally:
            os._exit(code)
    os.close(report_write)
    os.close(go_read)
    theirs.close()
    reports, go = os.fdopen(report_read), os.fdopen(go_write, "w", buffering=1)
    return Node(plan=plan, keeper=keeper, reports=reports, hand_over=ours, go=go)


def _keep(
    plan: NodePlan,
    output: int,
    address: str,
    reports: IO[str],
    go: IO[str],
    hand_over: socket.socket,
    namespaces: bool,
) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    try:
        if sys.platform == "linux":
            libc.die_with_parent()
            libc.adopt_orphans()
        if namespaces:
            libc.unshare(NAMESPACES)
            libc.set_hostname(plan.hostname)
        print("made", file=reports)
        if not go.readline():
            return
        if namespaces:
            network.configure_node(address)
            # Only now: the next forked process is process 1, and after its end no other can start.
            libc.unshare(libc.CLONE_NEWPID)
        program = os.fork()
        if program == 0:
            _become_program(plan, output, hand_over, namespaces)
    except OSError as error:
        print(f"failed {error}", file=reports)
        return
    os.close(output)
    hand_over.close()
    print(f"started {program}", file=reports)
    _, status = os.waitpid(program, 0)
    if not namespaces:
        kill_descendants(os.getpid())
    code = os.waitstatus_to_exitcode(status)
    print(f"exited {code if code >= 0 else 128 - code}", file=reports)


def _become_program(plan: NodePlan, output: int, hand_over: socket.socket, namespaces: bool) -> None:
    """Never returns. Errors go to the node's log, where a container runtime writes them too."""
    try:
        os.setsid()
        if sys.platform == "linux":
            libc.die_with_parent()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        kept = hand_over.fileno()
        os.closerange(3, kept)
        os.closerange(kept + 1, 1024)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        execute(plan, hand_over if namespaces else None)
    except OSError as error:
        cannot_run(plan, error)
    finally:
        os._exit(CANNOT_RUN)


def execute(plan: NodePlan, hand_over: socket.socket | None) -> NoReturn:
    """Become the plan's program in the plan's view of the file system; without `hand_over`, in the machine's."""
    if hand_over is not None:
        node_root.enter(plan, os.path.join(plan.root, "root"), hand_over)
        libc.drop_capabilities()
    os.chdir(plan.work_folder)
    os.execvpe(plan.command[0], plan.command, plan.environment)


def cannot_run(plan: NodePlan, error: OSError) -> None:
    """Say in the program's own log why it does not run."""
    os.write(2, f"cannot run {plan.command[0]!r}: {error}\n".encode())
