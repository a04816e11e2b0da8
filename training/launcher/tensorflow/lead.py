"""The first node decides for all: when the tasks start, which end is the run's, and how often they start again.

Every node speaks to it over a line of its own, the first one too. Whatever it does is an answer to what it hears, or
to a time that is up.
"""

import contextlib
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from training.launcher.forking.order import REJOIN_SECONDS, Order
from training.launcher.nodes.line import Line
from training.launcher.supervise import Supervisor
from training.launcher.tensorflow.placement import CHIEF, WORKER, cluster
from training.launcher.tensorflow.words import GuardWords

_HEAR_SECONDS = 0.2
"""How much later another node may tell of the task that failed before ours did."""


class _End(NamedTuple):
    """How a task ended that did not end well."""

    killed: bool
    at: float
    task: str
    text: str
    code: int
    incurable: bool


class Lead:
    """What is known of all nodes, and what they are told."""

    def __init__(self, supervisor: Supervisor, order: Order, own: socket.socket) -> None:
        self._supervisor, self._order = supervisor, order
        self._lines: dict[str, Line] = {}
        self._listener: socket.socket | None = None
        self._attempt = -1
        self._restarts_left = order.restarts_left
        self._phase: Callable[[], None] = self._gather
        self._deadline = time.monotonic() + order.wait_seconds
        self._ports: dict[str, int] = {}
        self._answered: set[str] = set()
        self._done: set[str] = set()
        self._ends: list[_End] = []
        self._words = GuardWords(self._tell, order.hosts)
        self._welcome(own)

    def listen(self) -> None:
        """Let the other nodes call; an OSError where the port is taken."""
        if self._order.nodes > 1:
            self._listener = socket.create_server(
                (self._order.master_address, self._order.port), backlog=self._order.nodes
            )
            self._listener.setblocking(False)
            self._supervisor.watch(self._listener.fileno(), self._on_call)

    def look(self) -> None:
        """Go on, where something has been heard or a time is up."""
        before = None
        while self._phase != before:
            before = self._phase
            before()

    @property
    def seconds_to_next(self) -> float:
        """When to look again if nothing is heard."""
        return max(min(self._deadline - time.monotonic(), 0.5), 0.01)

    @property
    def others(self) -> bool:
        """Whether another node's line is still open."""
        return any(host != self._order.host for host in self._lines)

    # The phases, in the order in which a run goes through them

    def _gather(self) -> None:
        missing = [host for host in self._order.hosts if host not in self._lines]
        if not missing:
            self._attempt += 1
            self._ports, self._answered, self._done, self._ends = {}, set(), set(), []
            self._words.begin()
            self._tell({"op": "prepare", "attempt": self._attempt})
            self._enter(self._prepare, REJOIN_SECONDS)
        elif self._is_late():
            self._end(1, f"{', '.join(missing)} {self._why_missing()}")

    def _why_missing(self) -> str:
        if self._ends:
            return f"was lost, and did not come back within {REJOIN_SECONDS:.0f} s"
        return "never came: read its log, and check that the security group lets the nodes reach each other"

    def _prepare(self) -> None:
        if len(self._ports) == len(self._order.tasks):
            addresses = cluster(self._order.tasks, self._ports)
            self._tell({"op": "start", "attempt": self._attempt, "cluster": addresses})
            self._enter(self._watch, float("inf"))
        else:
            self._give_up_on_the_silent()

    def _watch(self) -> None:
        names = [task.name for task in self._order.tasks]
        leaders = [CHIEF] if CHIEF in names else names
        if self._done.issuperset(leaders):
            self._end(0, "")
        elif self._ends:
            self._enter(self._decide, 0.0 if self._order.nodes == 1 else _HEAR_SECONDS)

    def _decide(self) -> None:
        """Of several that failed one that was killed is the reason, else the first: it lost no other one."""
        if not self._is_late():
            return
        first = min(self._ends, key=lambda end: (not end.killed, end.at))
        if first.incurable or self._restarts_left == 0:
            self._end(first.code, first.text)
            return
        self._restarts_left -= 1
        why = {"why": first.text.partition("\n")[0], "left": self._restarts_left}
        if len(self._ends) == 1 and self._can_start_alone(first.task):
            self._ends = []
            self._tell({"op": "again", "task": first.task, **why})
            self._enter(self._watch, float("inf"))
        else:
            self._tell({"op": "stop", "attempt": self._attempt, **why})
            self._enter(self._stop, REJOIN_SECONDS)

    def _can_start_alone(self, task: str) -> bool:
        """A coordinator waits for a worker that is lost, and gives its work to the others; it needs all servers."""
        return self._order.tasks[0].kind == CHIEF and task.startswith(f"{WORKER} ")

    def _stop(self) -> None:
        if self._answered.issuperset(self._lines):
            self._enter(self._gather, REJOIN_SECONDS)
        else:
            self._give_up_on_the_silent()

    def _over(self) -> None:
        """Nothing is left to decide."""

    def _give_up_on_the_silent(self) -> None:
        if self._is_late():
            silent = [host for host in self._order.hosts if host not in self._answered]
            self._end(
                1, f"{', '.join(silent)} did not answer for {REJOIN_SECONDS:.0f} s: it hangs, or cannot be reached"
            )

    def _enter(self, phase: Callable[[], None], seconds: float) -> None:
        self._phase = phase
        self._deadline = time.monotonic() + seconds

    def _is_late(self) -> bool:
        return time.monotonic() >= self._deadline

    def _end(self, code: int, message: str) -> None:
        self._phase = self._over
        self.say_goodbye(code, message)

    def say_goodbye(self, code: int, message: str) -> None:
        """Tell every node how the run ended."""
        self._phase, self._deadline = self._over, float("inf")
        self._tell({"op": "over", "code": code, "message": message})

    # What is heard

    def _on_call(self) -> None:
        assert self._listener is not None
        with contextlib.suppress(BlockingIOError):
            connection, _ = self._listener.accept()
            connection.settimeout(5)
            self._welcome(connection)

    def _welcome(self, connection: socket.socket) -> None:
        """Listen to somebody who is a node of the job once he says so; the port is open to the security group."""
        line = Line(connection)
        self._supervisor.watch(connection.fileno(), lambda: self._on_line(line))

    def _on_line(self, line: Line) -> None:
        if not line.is_ready:
            # Heard meanwhile, while a task was being stopped
            return
        host = next((name for name, known in self._lines.items() if known is line), None)
        try:
            messages = line.receive()
        except ValueError:
            messages, line.closed = [], True
        for message in messages:
            if host is None:
                host = self._introduce(line, message)
                if host is None:
                    line.closed = True
                    break
            else:
                self._hear(host, message)
        if line.closed:
            self._hang_up(line)
            if host is not None and self._lines.get(host) is line:
                self._lose(host)
        self.look()

    def _introduce(self, line: Line, message: object) -> str | None:
        """Take a caller for the node that it says it is; one that has come back counts as lost before."""
        if not isinstance(message, dict) or message.keys() != {"op", "host", "attempt"} or message["op"] != "hello":
            return None
        host = message["host"]
        if host not in self._order.hosts or not isinstance(message["attempt"], int):
            return None
        if host in self._lines:
            self._lose(host)
        self._lines[host] = line
        self._attempt = max(self._attempt, message["attempt"])
        return str(host)

    def _lose(self, host: str) -> None:
        self._hang_up(self._lines.pop(host))
        if self._phase not in (self._gather, self._over):
            text = f"the tensorflow host on {host} was lost"
            self._ends.append(_End(killed=True, at=time.time(), task="", text=text, code=1, incurable=False))
            if self._phase in (self._prepare, self._stop):
                self._enter(self._gather, REJOIN_SECONDS)

    def _hang_up(self, line: Line) -> None:
        line.closed = True
        if line.connection.fileno() >= 0:
            self._supervisor.unwatch(line.connection.fileno())
            line.connection.close()

    def _hear(self, host: str, message: Mapping[str, Any]) -> None:
        if message["op"] == "terminated":
            # Only that node got SIGTERM: all tasks stop together
            self._phase, self._deadline = self._over, float("inf")
            self._tell({"op": "interrupt"})
        elif message["op"] in ("ages", "guard", "places"):
            self._words.hear(host, message)
        elif message["attempt"] != self._attempt:
            # Of a start that is over
            return
        elif message["op"] == "ports":
            self._ports |= message["ports"]
            self._answered.add(host)
        elif message["op"] == "stopped":
            self._answered.add(host)
        elif message["status"] == 0:
            self._done.add(message["task"])
        else:
            self._ends.append(_End(**message["end"]))

    def _tell(self, message: Mapping[str, Any]) -> None:
        if message["op"] == "stop":
            self._answered = set()
        for line in self._lines.values():
            line.send(message)
