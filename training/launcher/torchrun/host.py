"""The process that imports torch once and forks everything else: the elastic agent, its store, and the ranks.

The launcher forks it, so that PID 1 itself stays free of frameworks. It never calls CUDA and starts no thread, which
is what makes its forks safe.
"""

import contextlib
import json
import signal
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from contract.exit_codes import INTERRUPTED
from training.launcher.endings import failure
from training.launcher.forking import host as forking
from training.launcher.forking.guard import HostGuard
from training.launcher.forking.order import REJOIN_SECONDS, Order
from training.launcher.forking.verdict import Verdict
from training.launcher.guards.watch import DUMPS_STACKS
from training.launcher.supervise import Child, Supervisor
from training.launcher.torchrun.channel import MESSAGE_BYTES
from training.launcher.worker import die_with_parent, execute_bound, name_process, run_python

_STOP_GRACE_SECONDS = 0.5
"""Ranks that lost a peer cannot save anything together: they get no more than this to end by themselves."""

_PRELOAD_AFTER_SECONDS = 3.0
"""When to import what only restarts profit from: not while the ranks start."""

_NEEDED_BY_ALL = ("torch", "training.launcher.torchrun.agent")
_NEEDED_BY_RESTARTS = ("torch._dynamo", "torch.distributed.checkpoint", "torch.distributed.pipelining")
"""Every optimiser imports torch._dynamo, which takes a second."""


class Host:
    """Supervises one node's agent and ranks, and knows what becomes of the run."""

    def __init__(self, supervisor: Supervisor, order: Order) -> None:
        self.supervisor = supervisor
        self.order = order
        self.program = order.program
        self.ranks: dict[int, Child] = {}
        self.restarts_left: int = order.restarts_left
        self.first_failure = ""
        self.report: dict[str, Any] | None = None
        self.stopping = False
        self.interrupted = False
        self.ranks_began = False
        self.verdict = Verdict(order)
        self.guard = HostGuard(supervisor, order)
        self.store: Child | None = None
        self.agent: Child | None = None
        self.channel: socket.socket | None = None

    def run(self) -> dict[str, Any]:
        """Run until the outcome is known: {"code": 0, 1, 75 or 78, "message": ...}."""
        if self.order.nodes > 1 and self.order.node_rank == 0:
            self._start_store()
        self._start_agent()
        preload_at = time.monotonic() + _PRELOAD_AFTER_SECONDS
        preloaded = False
        while True:
            # Of several that have ended since the last look one that was killed is the reason: it lost no other one
            for child in sorted(self.supervisor.step(0.5 if preloaded else 0.1), key=lambda child: not _killed(child)):
                self._on_end(child)
            if not self.supervisor.terminated and self._is_guarded():
                self.stopping = True
                return self.guard.end(self.ranks.values(), self._interrupt, self._send)
            if self.supervisor.terminated or self.interrupted:
                return self._interrupt()
            if self.report is not None and (self.agent is None or self.agent.status is not None):
                return self._outcome(self.report)
            if not preloaded and time.monotonic() >= preload_at:
                preloaded = True
                forking.preload(*_NEEDED_BY_RESTARTS)

    def _is_guarded(self) -> bool:
        look = self.guard.wait_for_word if self.interrupted else self.guard.look
        return look(self.ranks.values(), self._send)

    # What the agent asks for

    def _on_message(self) -> None:
        assert self.channel is not None
        try:
            data = self.channel.recv(MESSAGE_BYTES)
        except ConnectionError:
            data = b""
        if not data:
            self.supervisor.unwatch(self.channel.fileno())
            return
        message = json.loads(data)
        if message["op"] == "start":
            pids = self._start_ranks(message["ranks"])
            self._send({"pids": pids})
        elif message["op"] == "stop":
            self._stop_ranks()
            self._send({"stopped": True})
        elif message["op"] in ("ages", "guarded", "ready", "places", "paces"):
            self.guard.hear(message)
        else:
            self.report = message

    def _start_ranks(self, environments: list[dict[str, str]]) -> list[int]:
        self.stopping = False
        self.ranks_began = True
        if self.first_failure:
            self.restarts_left = max(self.restarts_left - 1, 0)
        self.first_failure = ""
        self.verdict.begin()
        self.guard.restart()
        for local_rank, variables in enumerate(environments):
            name = f"rank {variables['RANK']}"
            environ = {**self.order.environ, **variables}
            prefix = f"[{name}] " if int(variables["WORLD_SIZE"]) > 1 else ""
            self.ranks[local_rank] = self.supervisor.start(name, self._rank_action(name, environ), prefix=prefix)
        return [self.ranks[local_rank].pid for local_rank in sorted(self.ranks)]

    def _rank_action(self, name: str, environ: dict[str, str]) -> Callable[[], object]:
        if self.order.fork_ranks:
            pace = self.guard.pace(name)

            def action() -> int:
                if pace is not None:
                    from training.launcher.torchrun import own_time

                    own_time.measure(pace)
                return run_python(self.program, environ, name=f"rank-{environ['RANK']}")

            return action
        return execute_bound(self.program.command(), {**DUMPS_STACKS, **environ}, working_dir=None)

    def _stop_ranks(self) -> None:
        self.stopping = True
        for child in self.supervisor.stop(self.ranks.values(), grace_seconds=_STOP_GRACE_SECONDS):
            self._on_end(child)
        self.ranks = {}

    # What happens by itself

    def _on_end(self, child: Child) -> None:
        if child is self.store:
            self._on_store_end(child)
        elif child is self.agent:
            self._on_agent_end(child)
        else:
            local_rank = next((number for number, rank in self.ranks.items() if rank is child), None)
            if local_rank is not None and not self.stopping:
                self._on_rank_end(local_rank, child)

    def _on_store_end(self, child: Child) -> None:
        """A store that was killed is replaced; one that failed by itself would fail again."""
        if _killed(child):
            self._start_store()
            return
        self.report = {"op": "failed", "code": 1, "message": self.verdict.of_store(child)}
        if self.agent is not None:
            self.supervisor.kill_groups([self.agent])

    def _on_rank_end(self, local_rank: int, child: Child) -> None:
        self.supervisor.kill_groups([child])
        if child.status == INTERRUPTED or self.supervisor.terminated or self.interrupted:
            # The agent is not told: to it, an exit code of 75 would be a failure to restart from
            self.interrupted = True
            return
        text = "" if child.status == 0 else self.verdict.describe(child)
        if text and not self.first_failure:
            self.first_failure = text
        alike = text != "" and not self.guard.has_step and self.verdict.repeats(child)
        incurable = alike or (text != "" and self.verdict.is_incurable(child))
        end = {"exit": local_rank, "status": child.status, "at": child.ended_at, "text": text, "incurable": incurable}
        self._send(end)

    def _on_agent_end(self, child: Child) -> None:
        assert self.channel is not None
        # Its last message may still be in the socket
        with contextlib.suppress(BlockingIOError):
            self.channel.setblocking(False)
            if self.report is None:
                self._on_message()
        self.supervisor.unwatch(self.channel.fileno())
        self.channel.close()
        if self.report is not None and self.report["op"] != "lost":
            return
        why, _, details = self.verdict.describe(child).partition("\n")
        if self.report is not None:
            why = f"the agent on {self.order.host} lost the rendezvous store"
        self.report = None
        if self.restarts_left == 0:
            message = self.first_failure or f"{why}, and no restart was left\n{details}".rstrip()
            self.report = {"op": "failed", "code": 1, "message": message}
            return
        self.restarts_left -= 1
        failure.say_restart(why, left=self.restarts_left, limit=self.order.restart_limit)
        self.stopping = True
        self.supervisor.kill_groups(self.ranks.values())
        self._stop_ranks()
        self._start_agent()

    def _interrupt(self) -> dict[str, Any]:
        """After SIGTERM, or when a rank ended with 75: no restarts any more; wait for the ranks to save and end."""
        if self.agent is not None:
            self.supervisor.kill_groups([self.agent])
        deadline = time.monotonic() + float(self.order.grace_seconds)
        if self.supervisor.terminated:
            self.supervisor.signal(self.ranks.values(), signal.SIGTERM)
        while self._running() and time.monotonic() < deadline:
            forward = not self.supervisor.terminated
            for child in self.supervisor.step(0.5):
                if child not in (self.agent, self.store):
                    self.supervisor.kill_groups([child])
            if forward and self.supervisor.terminated:
                self.supervisor.signal(self.ranks.values(), signal.SIGTERM)
        late = self._running()
        self.supervisor.stop(late, grace_seconds=0.0)
        return self.verdict.of_interruption(
            self.ranks.values(), late, ranks_began=self.ranks_began, failed=self.first_failure
        )

    def _running(self) -> list[Child]:
        return [rank for rank in self.ranks.values() if rank.status is None]

    def _outcome(self, report: Mapping[str, Any]) -> dict[str, Any]:
        if self.store is not None:
            # The other nodes' agents say goodbye through the store before they leave
            self.supervisor.kill_groups([self.store])
        if report["op"] == "succeeded":
            return {"code": 0, "message": ""}
        return {"code": report["code"], "message": report["message"] or self.first_failure}

    # Starting things

    def _start_agent(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        order = replace(
            self.order,
            restarts_left=self.restarts_left,
            wait_seconds=REJOIN_SECONDS if self.ranks_began else self.order.wait_seconds,
        )

        def action() -> None:
            from training.launcher.torchrun import agent

            die_with_parent()
            name_process("torchrun-agent")
            agent.run_agent(theirs, order)

        self.agent = self.supervisor.start("the agent", action)
        theirs.close()
        self.channel = ours
        self.supervisor.watch(ours.fileno(), self._on_message)

    def _start_store(self) -> None:
        def action() -> None:
            from training.launcher.torchrun import rendezvous

            die_with_parent()
            name_process("torchrun-store")
            rendezvous.run_store(self.order)

        self.store = self.supervisor.start("the store", action)

    def _send(self, message: Mapping[str, Any]) -> None:
        if self.channel is not None:
            with contextlib.suppress(OSError):
                self.channel.send(json.dumps(message).encode())


def _killed(child: Child) -> bool:
    return child.status is not None and child.status < 0


def main(order_fd: int, report_fd: int, environ: Mapping[str, str]) -> int:
    """Import torch, take the launcher's order from one pipe, and put the outcome into the other."""
    return forking.be_host(
        order_fd,
        report_fd,
        environ,
        name="torchrun-host",
        preloads=_NEEDED_BY_ALL,
        serve=lambda supervisor, order: Host(supervisor, order).run(),
    )
