"""What the agents of several nodes agree on at the end."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
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
