"""One program alone in namespaces of its own: on the pipes of whoever starts it, with the cloud as its only neighbour.

A cell makes nodes that share a network and report by a control socket. This makes one process that is asked and
answers by its standard input and one more descriptor: a Lambda function. It costs no bridge and no cable.
"""

import json
import os
import signal
import socket
import sys

from embedded.nodes.cell import libc, network, relay
from embedded.nodes.cell.node import CANNOT_RUN, NAMESPACES, cannot_run, execute
from embedded.nodes.cell.plan import CellPlan, NodePlan

LOOPBACK = "127.0.0.1"
_LOOK_SECONDS = 1.0


def main(plan_descriptor: int, answers: int) -> None:
    """Read the plan, of one node, and run its program to its end; exits as the program did.

    The first line on `answers` is the program's process id, as the machine sees it; all that follows is the program's.
    """
    with os.fdopen(plan_descriptor, encoding="utf-8") as file:
        plan = CellPlan.from_dict(json.load(file))
    (node,) = plan.nodes
    outside = None if plan.cloud_port is None else relay.start((LOOPBACK, plan.cloud_port), close=(0, 1, 2, answers))
    libc.enter_namespaces(NAMESPACES, as_user=plan.isolation == "user")
    libc.set_hostname(node.hostname)
    network.ip_batch(["link set lo up"])
    if outside is not None and plan.cloud_port is not None:
        relay.hand_over(network.listen(LOOPBACK, plan.cloud_port), outside)
    # Only now: the next forked process is process 1, and after its end no other can start.
    libc.unshare(libc.CLONE_NEWPID)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    program = os.fork()
    if program == 0:
        _become_program(node, answers)
    os.write(answers, f"{program}\n".encode())
    os.close(answers)
    code = _wait(program, os.getppid())
    if code < 0:
        os.kill(os.getpid(), -code)
    os._exit(code)


def _wait(program: int, server: int) -> int:
    """The program's exit code, negative for a signal. Ends all when the server is gone: a handler may never return.

    No thread can watch the server: a process that leaves its process namespace can start none.
    """
    while True:
        signal.sigtimedwait([signal.SIGCHLD], _LOOK_SECONDS)
        ended, status = os.waitpid(program, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if os.getppid() != server:
            os.killpg(0, signal.SIGKILL)


def _become_program(plan: NodePlan, answers: int) -> None:
    """Never returns. Errors go to the program's log."""
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
        libc.die_with_parent()
        os.closerange(3, answers)
        os.closerange(answers + 1, 1024)
        hand_over, _ = socket.socketpair()
        execute(plan, hand_over)
    except OSError as error:
        cannot_run(plan, error)
    finally:
        os._exit(CANNOT_RUN)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
