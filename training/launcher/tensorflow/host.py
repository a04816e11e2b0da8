"""The process that runs one node's tasks: it starts and stops them as the first node says, and tells how they end.

PID 1 forks it, so that PID 1 itself stays free of frameworks. Where the tasks are its forks it imports TensorFlow once
for all of them and their restarts: importing starts no context, server or device, which would not live in a fork.
"""

import signal
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any

from contract.exit_codes import INTERRUPTED
from contract.variables import ATTEMPT, RENDEZVOUS_PORT
from training.launcher.endings import failure
from training.launcher.endings.failure import LaunchError
from training.launcher.forking import host as forking
from training.launcher.forking.guard import HostGuard
from training.launcher.forking.order import REJOIN_SECONDS, Order, Task
from training.launcher.forking.verdict import Verdict
from training.launcher.guards.watch import DUMPS_STACKS
from training.launcher.nodes.line import Line, call
from training.launcher.supervise import Child, Supervisor
from training.launcher.tensorflow import ports
from training.launcher.tensorflow.lead import Lead
from training.launcher.tensorflow.placement import CHIEF, WORKER, task_environ
from training.launcher.tensorflow.stills import Stills
from training.launcher.worker import execute_bound, run_python

_STOP_GRACE_SECONDS = 0.5
"""Tasks that lost a peer cannot save anything together: they get no more than this to end by themselves."""

_GOODBYE_SECONDS = 5.0
"""How long the first node waits for the others to hear how the run ended."""


class Host:
    """Supervises one node's tasks."""

    def __init__(self, supervisor: Supervisor, order: Order) -> None:
        self.supervisor, self.order = supervisor, order
        self.own: tuple[Task, ...] = tuple(task for task in order.tasks if task.host == order.host)
        self.saves = {task.name for task in self._savers()}
        self.children: dict[str, Child] = {}
        self.outcome: dict[str, Any] | None = None
        self.attempt = -1
        self.began = self.stopping = self.interrupted = self.forwarded = False
        self.first_failure = ""
        self.verdict = Verdict(order)
        self.guard = HostGuard(supervisor, order)
        self.stills = Stills()
        self.held: dict[str, socket.socket] = {}
        self.actions: dict[str, Callable[[], object]] = {}
        self.lead: Lead | None = None
        self.line: Line | None = None

    def _savers(self) -> list[Task]:
        """The tasks of this node that SIGTERM asks to save: a coordinator does it for its workers and servers."""
        coordinated = any(task.kind == CHIEF for task in self.order.tasks)
        return [task for task in self.own if task.kind == CHIEF or not coordinated]

    def run(self) -> dict[str, Any]:
        """Run until the outcome is known: {"code": 0, 1, 75, 78 or 79, "message": ...}."""
        try:
            self._meet()
        except LaunchError as error:
            return {"code": error.code, "message": str(error)}
        while self.outcome is None:
            wait = 0.5 if self.lead is None else self.lead.seconds_to_next
            # Of several that have ended since the last look one that was killed is the reason: it lost no other one
            for child in sorted(self.supervisor.step(wait), key=lambda child: (child.status or 0) >= 0):
                self._on_end(child)
            if self.lead is not None:
                self.lead.look()
            if not self.supervisor.terminated and self._is_guarded():
                self.stopping = True
                return self.guard.end(self.children.values(), self._interrupt, self._send_guard)
            if self.supervisor.terminated or self.interrupted:
                return self._goodbye(self._interrupt())
            self._look_for_stills()
            if self.line is not None and self.line.closed and self.outcome is None:
                self._call_again()
        self._stop_tasks(grace_seconds=0.0)
        return self._goodbye(self.outcome)

    def _is_guarded(self) -> bool:
        look = self.guard.wait_for_word if self.interrupted else self.guard.look
        return look(self.children.values(), self._send_guard)

    # The line to the first node

    def _meet(self) -> None:
        if self.order.node_rank == 0:
            ours, theirs = socket.socketpair()
            self.lead = Lead(self.supervisor, self.order, theirs)
            try:
                self.lead.listen()
            except OSError as error:
                raise LaunchError(
                    f"{self.order.host} could not open port {self.order.port} for the other nodes: {error.strerror}; "
                    f"set {RENDEZVOUS_PORT} to a free one"
                ) from None
            self._attach(ours)
        else:
            self._call(self.order.wait_seconds)

    def _call(self, seconds: float) -> None:
        connection = call(self.supervisor, self.order.master_address, self.order.port, seconds)
        if connection is not None:
            self._attach(connection)

    def _call_again(self) -> None:
        """The first node's host was lost with its line: it is started again, or the run is over."""
        failure.say(f"the line to {self.order.hosts[0]} was lost; the tasks here stop until it is back")
        self._stop_tasks(grace_seconds=_STOP_GRACE_SECONDS)
        self.line = None
        try:
            self._call(REJOIN_SECONDS)
        except LaunchError:
            message = f"{self.order.hosts[0]} was lost, and did not come back within {REJOIN_SECONDS:.0f} s"
            self.outcome = {"code": 1, "message": message}

    def _attach(self, connection: socket.socket) -> None:
        line = self.line = Line(connection)
        self.supervisor.watch(connection.fileno(), lambda: self._on_line(line))
        self._send({"op": "hello", "host": self.order.host, "attempt": self.attempt})

    def _on_line(self, line: Line) -> None:
        if not line.is_ready:
            # Heard meanwhile, while a task was being stopped
            return
        for message in line.receive():
            self._obey(message)
        if line.closed:
            self.supervisor.unwatch(line.connection.fileno())
            line.connection.close()

    def _send(self, message: Mapping[str, Any]) -> None:
        if self.line is not None:
            self.line.send(message)

    def _send_guard(self, message: Mapping[str, Any]) -> None:
        """A guard's message is named by its first word."""
        self._send({"op": next(iter(message)), **message})

    def _goodbye(self, outcome: dict[str, Any]) -> dict[str, Any]:
        if self.lead is not None:
            self.lead.say_goodbye(outcome["code"], outcome["message"])
            deadline = time.monotonic() + _GOODBYE_SECONDS
            while self.lead.others and (left := deadline - time.monotonic()) > 0:
                self.supervisor.step(min(left, 0.1))
        return outcome

    # What the first node says

    def _obey(self, message: Mapping[str, Any]) -> None:
        op = message["op"]
        if op == "prepare":
            self.attempt = message["attempt"]
            self._stop_tasks(grace_seconds=_STOP_GRACE_SECONDS)
            self._let_go()
            self.held = {task.name: ports.reserve() for task in self.own}
            taken = {name: holder.getsockname()[1] for name, holder in self.held.items()}
            self._send({"op": "ports", "attempt": self.attempt, "ports": taken})
        elif op == "start":
            self._start_tasks(message["cluster"])
        elif op == "stop":
            self._say_restart(message)
            self._stop_tasks(grace_seconds=_STOP_GRACE_SECONDS)
            self._send({"op": "stopped", "attempt": message["attempt"]})
        elif op == "again":
            self._say_restart(message)
            if message["task"] in self.actions:
                self._start(message["task"])
        elif op == "interrupt":
            self.supervisor.note_termination()
        elif op == "over":
            self.outcome = {"code": message["code"], "message": message["message"]}
        else:
            self.guard.hear(message)

    def _say_restart(self, message: Mapping[str, Any]) -> None:
        failure.say_restart(message["why"], left=message["left"], limit=self.order.restart_limit)

    # The tasks

    def _start_tasks(self, cluster: Mapping[str, list[str]]) -> None:
        self.began, self.stopping = True, False
        self.first_failure = ""
        self.verdict.begin()
        self.guard.restart()
        self.stills.forget()
        workers = [task for task in self.own if task.kind == WORKER]
        for task in self.own:
            local = workers.index(task) if task in workers else 0
            special = task_environ(task, cluster, self.order.environ, local=local, workers=len(workers))
            environ = {**self.order.environ, **special, ATTEMPT: str(self.attempt)}
            self.actions[task.name] = self._action(task, environ)
            self._start(task.name)

    def _start(self, name: str) -> None:
        prefix = f"[{name}] " if len(self.order.tasks) > 1 else ""
        self.children[name] = self.supervisor.start(name, self.actions[name], prefix=prefix)

    def _action(self, task: Task, environ: dict[str, str]) -> Callable[[], object]:
        program = self.order.program
        if self.order.fork_ranks:
            return lambda: run_python(program, environ, name=f"{task.kind}-{task.index}")
        return execute_bound(program.command(), {**DUMPS_STACKS, **environ}, working_dir=None)

    def _stop_tasks(self, *, grace_seconds: float) -> None:
        self.stopping = True
        self.supervisor.stop(self.children.values(), grace_seconds=grace_seconds)
        self.children = {}

    def _let_go(self) -> None:
        for holder in self.held.values():
            holder.close()
        self.held = {}

    def _on_end(self, child: Child) -> None:
        if self.stopping or self.children.get(child.name) is not child:
            return
        self.supervisor.kill_groups([child])
        saves = child.name in self.saves
        if saves and (child.status == INTERRUPTED or self.supervisor.terminated or self.interrupted):
            self.interrupted = True
            return
        self._tell_end(child, "" if child.status == 0 else self.verdict.describe(child))

    def _tell_end(self, child: Child, text: str) -> None:
        status = child.status if child.status is not None else 1
        alike = text != "" and not self.guard.has_step and self.verdict.repeats(child)
        incurable = alike or (text != "" and self.verdict.is_incurable(child))
        self.first_failure = self.first_failure or text
        end = {
            "killed": status < 0,
            "at": child.ended_at,
            "task": child.name,
            "text": text,
            "code": failure.code_of(status),
            "incurable": incurable,
        }
        self._send({"op": "ended", "attempt": self.attempt, "task": child.name, "status": status, "end": end})

    def _look_for_stills(self) -> None:
        """A task that a signal has stopped keeps all others waiting: it is ended, and named as the reason."""
        for name, seconds in self.stills.look(self.children).items():
            child = self.children.pop(name)
            self.supervisor.stop([child], grace_seconds=0.0)
            child.ended_at -= seconds
            self._tell_end(child, f"{name} on {self.order.host} had been stopped by a signal for {seconds:.0f} s")

    # SIGTERM

    def _interrupt(self) -> dict[str, Any]:
        """After SIGTERM, or when a task ended with 75: no restarts any more; wait for the tasks to save and end."""
        if self.supervisor.terminated:
            self._send({"op": "terminated"})
        saving = [child for name, child in self.children.items() if name in self.saves]
        deadline = time.monotonic() + float(self.order.grace_seconds)
        while self._waits(saving) and (left := deadline - time.monotonic()) > 0:
            if self.supervisor.terminated and not self.forwarded:
                self.forwarded = True
                self.supervisor.signal(saving, signal.SIGTERM)
            for child in self.supervisor.step(min(left, 0.5)):
                self.supervisor.kill_groups([child])
        late = [child for child in saving if child.status is None]
        self.supervisor.stop(self.children.values(), grace_seconds=0.0)
        if not self.saves:
            nothing = {"code": INTERRUPTED, "message": "the tasks of this node keep nothing that could be saved"}
            return nothing if self.outcome is None else self.outcome
        return self.verdict.of_interruption(saving, late, ranks_began=self.began, failed=self.first_failure)

    def _waits(self, saving: list[Child]) -> bool:
        if self.saves:
            return any(child.status is None for child in saving)
        # The chief is elsewhere: its node says how it ended
        return self.outcome is None and self.line is not None and not self.line.closed


def main(order_fd: int, report_fd: int, environ: Mapping[str, str], *, fork: bool) -> int:
    """Import TensorFlow, take the launcher's order from one pipe, and put the outcome into the other."""
    return forking.be_host(
        order_fd,
        report_fd,
        environ,
        name="tensorflow-host",
        preloads=("tensorflow",) if fork else (),
        serve=lambda supervisor, order: Host(supervisor, order).run(),
    )
