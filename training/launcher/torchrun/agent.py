"""torch.distributed.elastic's agent and rendezvous, with ranks that a pre-loaded parent forks.

Only forks of `torchrun_host` import this module. What it changes in torch's own machinery, and why:
the ranks come from the host's fork instead of a new Python (a restart costs 0.15 s instead of 2 to 5 s);
every attempt gets a new store (torch 2.13 reuses one, and restarted ranks dial the addresses of dead ones);
the rendezvous polls every few hundredths of a second instead of every second; nodes keep their order.
"""

import contextlib
import logging
import os
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from typing import Any

from torch.distributed.elastic.agent.server import api as elastic_api
from torch.distributed.elastic.agent.server import local_elastic_agent
from torch.distributed.elastic.agent.server.api import RunResult, WorkerGroup, WorkerSpec, WorkerState
from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, PContext
from torch.distributed.elastic.multiprocessing.api import RunProcsResult
from torch.distributed.elastic.multiprocessing.errors import ProcessFailure
from torch.distributed.elastic.rendezvous import (
    RendezvousClosedError,
    RendezvousConnectionError,
    RendezvousTimeoutError,
)

from contract.variables import ATTEMPT
from training.launcher.endings import failure
from training.launcher.forking.order import Order
from training.launcher.torchrun.channel import Channel
from training.launcher.torchrun.first_failure import FirstFailure, agree
from training.launcher.torchrun.guard_words import GuardWords
from training.launcher.torchrun.rendezvous import Rendezvous, connect, make_rendezvous, say_goodbye

_LOOK_SECONDS = 0.05
"""How often to look whether other nodes want to start again."""

_HEAR_SECONDS = 0.2
"""How much later another node may tell of the rank that failed before ours did."""


class ForkedRanks(PContext):  # type: ignore[misc]
    """The ranks of one attempt, as elastic sees a group of processes; the host is their parent."""

    def __init__(self, channel: Channel, agent: "ForkAgent", **arguments: Any) -> None:
        super().__init__(
            arguments["name"], arguments["entrypoint"], arguments["args"], arguments["envs"], arguments["logs_specs"]
        )
        self._channel = channel
        self._agent = agent
        self._pids: list[int] = []
        self._statuses: dict[int, int] = {}

    def start(self) -> None:
        """Fork them. The host handles signals, so elastic's own handlers are not wanted here."""
        self._start()

    def _start(self) -> None:
        environments = [self.envs[local_rank] for local_rank in range(self.nprocs)]
        self._pids = self._channel.ask({"op": "start", "ranks": environments}, "pids")["pids"]

    def _hear(self) -> None:
        for event in self._channel.events():
            if "exit" not in event:
                self._agent.note_guard(event)
                continue
            self._statuses[event["exit"]] = event["status"]
            if event["status"] != 0:
                failed = FirstFailure(event["at"], failure.code_of(event["status"]), event["text"])
                self._agent.note_failure(failed, incurable=event["incurable"])

    def _poll(self) -> RunProcsResult | None:
        self._hear()
        failed = {number: status for number, status in self._statuses.items() if status != 0}
        if failed:
            self.close()
            return RunProcsResult(failures={number: self._failure(number, code) for number, code in failed.items()})
        if len(self._statuses) == self.nprocs:
            return RunProcsResult(return_values=dict.fromkeys(range(self.nprocs)))
        return None

    def _failure(self, local_rank: int, status: int) -> ProcessFailure:
        return ProcessFailure(local_rank=local_rank, pid=self._pids[local_rank], exitcode=status, error_file=os.devnull)

    def pids(self) -> dict[int, int]:
        """The process ids by local rank."""
        return dict(enumerate(self._pids))

    def close(self, death_sig: signal.Signals | None = None, timeout: int = 30) -> None:
        """Stop what still runs."""
        self._close(signal.SIGTERM)

    def _close(self, death_sig: signal.Signals, timeout: int = 30) -> None:
        if self._pids:
            self._channel.ask({"op": "stop"}, "stopped")
            # What has ended meanwhile belongs to this attempt, and not to the next
            self._hear()


class ForkAgent(local_elastic_agent.LocalElasticAgent):  # type: ignore[misc]
    """torch's local agent, except that the host forks its ranks."""

    def __init__(
        self, channel: Channel, rendezvous: Rendezvous, restart_limit: int, words: GuardWords, **arguments: Any
    ) -> None:
        super().__init__(**arguments)
        self._channel = channel
        self._rendezvous_handler = rendezvous
        self._restart_limit = restart_limit
        self._failed_here = False
        self._words = words
        self.first_failure = FirstFailure()

    def _start_workers(self, worker_group: WorkerGroup) -> dict[int, Any]:
        with _replaced(local_elastic_agent, "start_processes", self._fork_ranks):
            started: dict[int, Any] = super()._start_workers(worker_group)
        return started

    def _restart_workers(self, worker_group: WorkerGroup) -> None:
        self._failed_here = worker_group.state != WorkerState.HEALTHY
        super()._restart_workers(worker_group)

    def _rendezvous(self, worker_group: WorkerGroup) -> None:
        """Meet the other nodes. After that each one has told what failed before, and it can be said why."""
        before = self._store
        super()._rendezvous(worker_group)
        if before is not None:
            self._say_why_again(before)

    def _say_why_again(self, before: Any) -> None:
        self.learn_first_failure(before)
        why = self.first_failure.text.partition("\n")[0]
        if self._failed_here:
            failure.say_restart(why, left=self._remaining_restarts, limit=self._restart_limit)
        else:
            failure.say(f"{why or 'another node starts again'}; the ranks here start again as well")
        self.first_failure = FirstFailure()

    def _monitor_workers(self, worker_group: WorkerGroup) -> RunResult:
        """A node whose ranks have ended well waits, ready to start them again, until all nodes' ranks have."""
        self._channel.wait(_LOOK_SECONDS)
        with contextlib.suppress(RuntimeError):
            self._words.poll(self._store)
        result: RunResult = super()._monitor_workers(worker_group)
        if result.state == WorkerState.SUCCEEDED and not self._everyone_is_done(worker_group):
            return RunResult(state=WorkerState.HEALTHY)
        return result

    def _everyone_is_done(self, worker_group: WorkerGroup) -> bool:
        if worker_group.group_world_size == 1:
            return True
        ranks = range(worker_group.group_world_size)
        try:
            self._store.set(f"shardyard/done/{worker_group.group_rank}", "1")
            # In this order: the first node that finds all done closes the rendezvous, and that is no failure
            closed = self._rendezvous_handler.is_closed()
            done = bool(self._store.check([f"shardyard/done/{rank}" for rank in ranks]))
        except RuntimeError as error:
            raise RendezvousConnectionError(str(error)) from error
        if closed and not done:
            raise RendezvousClosedError
        return done

    def _exit_barrier(self) -> None:
        """Nothing is left to wait for."""

    def _fork_ranks(self, **arguments: Any) -> ForkedRanks:
        for environ in arguments["envs"].values():
            environ[ATTEMPT] = str(self._rendezvous_handler.attempt)
        ranks = ForkedRanks(self._channel, self, **arguments)
        ranks.start()
        return ranks

    def note_failure(self, failed: FirstFailure, *, incurable: bool) -> None:
        """Tell the other nodes what failed here, and when."""
        if incurable:
            self._remaining_restarts = 0
        self.first_failure = failed
        self.learn_first_failure()

    def note_guard(self, event: Mapping[str, Any]) -> None:
        """Pass on what the host has to say to the other nodes about the job's guards."""
        with contextlib.suppress(RuntimeError):
            self._words.on(event, self._store)

    def learn_first_failure(self, store: Any = None) -> None:
        """Hear what failed first, here or elsewhere, in this attempt or in that of another store."""
        with contextlib.suppress(RuntimeError):
            self.first_failure = agree(self._store if store is None else store, self.first_failure)


def run_agent(connection: socket.socket, order: Order) -> None:
    """Be the node's elastic agent until its ranks have succeeded or failed for good, and report to the host."""
    logging.getLogger("torch.distributed.elastic").setLevel(logging.ERROR)
    channel = Channel(connection)
    # Elastic asks the name service for this host's full name at each event, which can take seconds in a container
    elastic_api._get_fq_hostname = lambda: order.host
    try:
        store = connect(order)
        rendezvous = make_rendezvous(order, store)
    except (RuntimeError, ValueError) as error:
        message = f"{order.host} could not reach {order.hosts[0]} on port {order.port}: {error}"
        channel.send({"op": "failed", "code": 1, "message": message})
        return
    agent = _agent(order, channel, rendezvous)
    report = _run(agent, rendezvous, order)
    if report["op"] != "lost":
        say_goodbye(store, order)
    channel.send(report)


def _run(agent: ForkAgent, rendezvous: Rendezvous, order: Order) -> dict[str, Any]:
    try:
        result: RunResult = agent.run()
    except RendezvousTimeoutError:
        # Whoever gives up has left the rendezvous
        present = rendezvous.present() | {order.node_rank}
        missing = [host for number, host in enumerate(order.hosts) if number not in present]
        message = (
            f"{', '.join(missing) or 'a node'} never came to the rendezvous: read its log, "
            "and check that the security group lets the nodes reach each other"
        )
        return {"op": "failed", "code": 1, "message": message}
    except RendezvousClosedError:
        agent.learn_first_failure()
        message = agent.first_failure.text or "another node ended the run; its log says why"
        return {"op": "failed", "code": agent.first_failure.code, "message": message}
    except RendezvousConnectionError:
        return {"op": "lost"}
    if result is None or result.is_failed():
        _close(rendezvous)
        if order.nodes > 1:
            time.sleep(_HEAR_SECONDS)
            agent.learn_first_failure()
        return {"op": "failed", "code": agent.first_failure.code, "message": agent.first_failure.text}
    _close(rendezvous)
    return {"op": "succeeded"}


def _close(rendezvous: Rendezvous) -> None:
    """No node waits for a round that will not come."""
    rendezvous.shutdown()


def _agent(order: Order, channel: Channel, rendezvous: Rendezvous) -> ForkAgent:
    os.environ["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] = "1"
    worker_spec = WorkerSpec(
        role="rank",
        local_world_size=order.processes_per_node,
        rdzv_handler=rendezvous,
        entrypoint=order.program.target,
        max_restarts=order.restarts_left,
        monitor_interval=0.001,  # `_monitor_workers` waits itself, and elastic allows no zero
        master_addr=order.master_address,
    )
    return ForkAgent(
        channel,
        rendezvous,
        order.restart_limit,
        GuardWords(channel, node=order.node_rank, nodes=order.nodes),
        spec=worker_spec,
        logs_specs=DefaultLogsSpecs(log_dir=os.devnull),
    )


@contextlib.contextmanager
def _replaced(module: Any, name: str, value: Any) -> Iterator[None]:
    """Put another function in a module's place for one call."""
    original = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, original)
