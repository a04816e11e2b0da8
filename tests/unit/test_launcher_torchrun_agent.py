"""What the agents of several nodes agree on: the end, and why they start again."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from torch.distributed.elastic.agent.server.api import WorkerState
from torch.distributed.elastic.agent.server.local_elastic_agent import LocalElasticAgent
from torch.distributed.elastic.rendezvous import RendezvousClosedError

from training.launcher.torchrun_agent import ForkAgent


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

    def __init__(self, agreed: str = "") -> None:
        self.agreed = agreed

    def check(self, keys: list[str]) -> bool:
        return self.agreed != ""

    def compare_set(self, key: str, expected: str, desired: str) -> bytes:
        if self.agreed == expected:
            self.agreed = desired
        return self.agreed.encode()


def test_why_ranks_start_again_is_said_in_the_words_of_the_first_failure_of_the_attempt(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(LocalElasticAgent, "_restart_workers", lambda agent, group: None)
    agent = ForkAgent.__new__(ForkAgent)
    agent._restart_limit, agent.first_failure = 3, ""
    failed, healthy = (SimpleNamespace(state=state) for state in (WorkerState.FAILED, WorkerState.HEALTHY))

    agent._store, agent._remaining_restarts = AttemptStore("rank 3 on algo-2 was killed by SIGKILL"), 2
    agent.note_failure("rank 0 on algo-1 failed: RankMissing: rank 3\nTraceback", incurable=False)
    agent._restart_workers(failed)
    agent._store = AttemptStore()
    agent._restart_workers(healthy)
    agent._store = AttemptStore("rank 2 on algo-2 failed: ValueError: bad thing\nTraceback")
    agent._restart_workers(healthy)
    agent._store, agent._remaining_restarts = AttemptStore(), 1
    agent.note_failure("rank 1 on algo-1 failed: ValueError: bad thing\nTraceback", incurable=False)
    agent._restart_workers(failed)
    assert capsys.readouterr().err.splitlines() == [
        "launcher: rank 3 on algo-2 was killed by SIGKILL; restart 1 of 3",
        "launcher: another node starts again; the ranks here start again as well",
        "launcher: rank 2 on algo-2 failed: ValueError: bad thing; the ranks here start again as well",
        "launcher: rank 1 on algo-1 failed: ValueError: bad thing; restart 2 of 3",
    ]


class LateStore(AttemptStore):
    """The other node notices its rank's end a moment after this node noticed what followed from it."""

    looks = 0

    def check(self, keys: list[str]) -> bool:
        self.looks += 1
        if self.looks == 3:
            self.agreed = "rank 1 on algo-2 failed: ValueError: bad thing"
        return super().check(keys)


@pytest.mark.parametrize("why", ["RuntimeError: [pair.cc:553] Connection closed by peer", "RankMissing: rank 1"])
def test_a_rank_that_lost_its_peer_does_not_come_before_the_cause(why: str) -> None:
    agent = ForkAgent.__new__(ForkAgent)
    agent._store = LateStore()
    agent.note_failure(f"rank 0 on algo-1 failed: {why}", incurable=False)
    assert agent.first_failure == "rank 1 on algo-2 failed: ValueError: bad thing"


def test_a_rank_that_lost_a_peer_of_which_nothing_is_heard_is_the_first_itself() -> None:
    agent = ForkAgent.__new__(ForkAgent)
    agent._store = AttemptStore()
    agent.note_failure("rank 0 on algo-1 failed: RankMissing: rank 1", incurable=False)
    assert agent.first_failure == "rank 0 on algo-1 failed: RankMissing: rank 1"
