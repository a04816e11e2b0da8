"""What the agents of several nodes agree on: the end, and why they start again."""

import json
import socket
import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest
from torch.distributed.elastic.agent.server.api import RunResult, WorkerState
from torch.distributed.elastic.agent.server.local_elastic_agent import LocalElasticAgent
from torch.distributed.elastic.rendezvous import RendezvousClosedError

from training.launcher.torchrun import agent as torchrun_agent
from training.launcher.torchrun.agent import ForkAgent, ForkedRanks
from training.launcher.torchrun.channel import Channel
from training.launcher.torchrun.first_failure import FirstFailure, agree
from training.launcher.torchrun.guard_words import GuardWords


class OtherNode:
    """The store and the rendezvous of two nodes; the other one does its part right after our look at the store."""

    def __init__(self, *, other_succeeds: bool) -> None:
        self.keys: set[str] = set()
        self.closed = False
        self._other_succeeds = other_succeeds

    def set(self, key: str, value: str) -> None:
        self.keys.add(key)

    def check(self, keys: list[str]) -> bool:
        found = self.keys.issuperset(keys)
        if self._other_succeeds:
            self.keys.add("shardyard/done/0")
        self.closed = True
        return found

    def is_closed(self) -> bool:
        return self.closed


def everyone_is_done(other: OtherNode) -> bool:
    agent = ForkAgent.__new__(ForkAgent)
    agent._store, agent._rendezvous_handler = other, cast(Any, other)
    return agent._everyone_is_done(SimpleNamespace(group_world_size=2, group_rank=1))


def test_a_node_that_closes_the_rendezvous_because_all_are_done_fails_nobody() -> None:
    other = OtherNode(other_succeeds=True)
    assert [everyone_is_done(other), everyone_is_done(other)] == [False, True]


def test_a_rendezvous_that_is_closed_before_all_are_done_is_a_failure() -> None:
    other = OtherNode(other_succeeds=False)
    assert not everyone_is_done(other)
    with pytest.raises(RendezvousClosedError):
        everyone_is_done(other)


class AttemptStore:
    """What the nodes agree on within one attempt."""

    agreed = ""

    def compare_set(self, key: str, expected: str, desired: str) -> bytes:
        if self.agreed == expected:
            self.agreed = desired
        return self.agreed.encode()


def test_why_ranks_start_again_is_said_in_the_words_of_the_first_failure_of_the_attempt(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    attempts = iter([AttemptStore() for _ in range(5)])

    def rendezvous(agent: ForkAgent, group: SimpleNamespace) -> None:
        if group.late:
            # Another node may tell of the true reason only when it comes to the next attempt
            agree(agent._store, FirstFailure(1.0, 1, group.late))
        agent._store = next(attempts)

    monkeypatch.setattr(LocalElasticAgent, "_rendezvous", rendezvous)
    monkeypatch.setattr(LocalElasticAgent, "_restart_workers", lambda agent, group: agent._rendezvous(group))
    agent = ForkAgent.__new__(ForkAgent)
    agent._restart_limit, agent.first_failure = 3, FirstFailure()
    agent._failed_here, agent._store, agent._remaining_restarts = False, None, 3

    def restart(state: WorkerState, late: str = "") -> None:
        agent._restart_workers(SimpleNamespace(state=state, late=late))

    def note(at: float, text: str) -> None:
        agent.note_failure(FirstFailure(at, 1, text), incurable=False)

    agent._rendezvous(SimpleNamespace(late=""))
    note(2.0, "rank 0 on algo-1 failed: RankMissing: rank 3\nTraceback")
    agent._remaining_restarts = 2
    restart(WorkerState.FAILED, late="rank 3 on algo-2 was killed by SIGKILL")
    restart(WorkerState.HEALTHY)
    restart(WorkerState.HEALTHY, late="rank 2 on algo-2 failed: ValueError: bad thing\nTraceback")
    note(3.0, "rank 1 on algo-1 failed: ValueError: bad thing\nTraceback")
    note(3.5, "rank 0 on algo-1 failed: ValueError: worse thing\nTraceback")
    agent._remaining_restarts = 1
    restart(WorkerState.FAILED)
    assert capsys.readouterr().err.splitlines() == [
        "launcher: rank 3 on algo-2 was killed by SIGKILL; restart 1 of 3",
        "launcher: another node starts again; the ranks here start again as well",
        "launcher: rank 2 on algo-2 failed: ValueError: bad thing; the ranks here start again as well",
        "launcher: rank 1 on algo-1 failed: ValueError: bad thing; restart 2 of 3",
    ]


def test_the_earlier_failure_counts_whichever_node_speaks_first() -> None:
    store = AttemptStore()
    first, another = FirstFailure(9.25, 78, "the first of all"), FirstFailure(10.5, 1, "because of another")
    assert agree(store, FirstFailure()) == FirstFailure()
    assert agree(store, another) == another
    assert agree(store, FirstFailure(11.0, 1, "even later")) == another
    assert agree(store, first) == first
    assert agree(store, another) == first
    assert agree(store, FirstFailure()) == first


class BusyStore(AttemptStore):
    """Another node speaks between our question and our answer."""

    def compare_set(self, key: str, expected: str, desired: str) -> bytes:
        if expected == "5.000000 1 first":
            self.agreed = "4.000000 78 before it"
        return super().compare_set(key, expected, desired)


@pytest.mark.parametrize(("at", "known"), [(3.0, (3.0, 1, "ours")), (4.5, (4.0, 78, "before it"))])
def test_nodes_that_speak_at_once_agree_all_the_same(at: float, known: tuple[float, int, str]) -> None:
    store = BusyStore()
    agree(store, FirstFailure(5.0, 1, "first"))
    assert agree(store, FirstFailure(at, 1, "ours")) == known


def test_what_ends_while_the_others_are_stopped_belongs_to_that_attempt() -> None:
    """Heard in the next one it would cost a restart, and be told as its failure."""
    host, end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    noted: list[str] = []
    agent: Any = SimpleNamespace(note_failure=lambda failed, *, incurable: noted.append(failed.text))

    def tell(number: int, text: str) -> None:
        host.send(json.dumps({"exit": number, "status": 1, "at": 1.0, "text": text, "incurable": False}).encode())

    def stop() -> None:
        assert json.loads(host.recv(1000)) == {"op": "stop"}
        tell(1, "late")
        host.send(b'{"stopped": true}')

    channel, ranks = Channel(end), ForkedRanks.__new__(ForkedRanks)
    ranks._channel, ranks._agent, ranks._pids, ranks._statuses, ranks.nprocs = channel, agent, [11, 12], {}, 2
    with host, end:
        tell(0, "early")
        stopper = threading.Thread(target=stop)
        stopper.start()
        result = ranks._poll()
        stopper.join()
        assert result is not None and list(result.failures) == [0]
        assert channel.events() == []
    assert noted == ["early", "late"]


def test_the_agent_sleeps_until_a_rank_ends_and_hears_of_it_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    host, end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    agent = ForkAgent.__new__(ForkAgent)
    agent._channel, agent._store = Channel(end), None
    agent._words = GuardWords(agent._channel, node=0, nodes=1)
    heard: list[Any] = []

    def monitor(agent: ForkAgent, group: None) -> RunResult:
        heard.append(agent._channel.events())
        return RunResult(state=WorkerState.HEALTHY)

    monkeypatch.setattr(LocalElasticAgent, "_monitor_workers", monitor)
    monkeypatch.setattr(torchrun_agent, "_LOOK_SECONDS", 60.0)
    with host, end:
        threading.Timer(0.2, lambda: host.send(b'{"exit": 0}')).start()
        agent._monitor_workers(None)
    assert heard == [[{"exit": 0}]]
