"""One node's part in the guards of a run on several: what it tells the others, and when."""

import json
import threading
import time
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from tests.support.orders import make_order
from training.launcher.forking.guard import HostGuard
from training.launcher.guards.stacks import describe
from training.launcher.torchrun.guard_words import GuardWords

RUNS: Any = SimpleNamespace(status=None)
ENDED: Any = SimpleNamespace(status=0)


def guard(**variables: str) -> HostGuard:
    supervisor: Any = SimpleNamespace(listener=None, reads_all=False)
    order = make_order(hosts=("algo-1", "algo-2"), environ={"SHARDYARD_LONGEST_SILENCE": "2", **variables})
    return HostGuard(supervisor, order)


def sent(one: HostGuard, *ranks: Any) -> list[Mapping[str, Any]]:
    said: list[Mapping[str, Any]] = []
    time.sleep(0.11)  # the time between two looks
    assert not one.look(ranks, said.append)
    return said


def test_a_node_without_ranks_tells_nothing_since_its_agent_does_not_listen() -> None:
    """While the nodes meet its agent reads nothing, and what is sent to it would fill the socket."""
    assert sent(guard()) == []


def test_a_node_whose_ranks_run_tells_how_long_ago_they_were_heard() -> None:
    (said,) = sent(guard(), RUNS, ENDED)
    assert 0 < said["ages"]["heard"] < 2 and said["ages"]["moved"] == -1


def test_a_node_whose_ranks_have_ended_well_keeps_no_hang_of_another_one_alive() -> None:
    (said,) = sent(guard(), ENDED)
    assert said["ages"]["heard"] > 1e9


def test_where_the_ranks_of_all_nodes_have_ended_well_nothing_hangs() -> None:
    """Between their end and that of their agents there is time for a look, and for the word of the others."""
    one = guard()
    (said,) = sent(one, ENDED)
    one.hear({"op": "ages", **said["ages"]})
    assert not one.look([ENDED], lambda _: None)


def test_on_one_node_ranks_that_have_ended_well_do_not_hang() -> None:
    supervisor: Any = SimpleNamespace(listener=None, reads_all=False)
    order = make_order(hosts=("algo-1",), environ={"SHARDYARD_LONGEST_SILENCE": "2"})
    assert not HostGuard(supervisor, order).look([ENDED], lambda _: None)


def test_what_all_nodes_know_decides() -> None:
    one = guard()
    one.hear({"op": "ages", "heard": 1.0, "moved": -1.0})
    assert not one.look([RUNS], lambda _: None)
    one.hear({"op": "ages", "heard": 2.5, "moved": -1.0})
    assert one.look([], lambda _: None), "also where nothing runs any more"


class Store:
    """The attempt's store, in a dictionary."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}

    def set(self, key: str, value: str) -> None:
        self.values[key] = value.encode()

    def get(self, key: str) -> bytes:
        return self.values[key]

    def check(self, keys: list[str]) -> bool:
        return all(key in self.values for key in keys)


def test_the_agents_pass_on_the_youngest_ages_the_word_and_that_all_know() -> None:
    store, said = Store(), [[], []]  # type: ignore[var-annotated]
    one, two = (
        GuardWords(SimpleNamespace(send=said[node].append), node=node, nodes=2)  # type: ignore[arg-type]
        for node in (0, 1)
    )
    one.on({"ages": {"heard": 9.0, "moved": 9.0}}, store)
    two.on({"ages": {"heard": 4.0, "moved": -1.0}}, store)
    assert said[1] == [{"op": "ages", "heard": 4.0, "moved": 9.0}]
    one.on({"guard": "why", "saves": False}, store)
    one.poll(store)
    two.poll(store)
    assert said[1][-1] == {"op": "guarded", "why": "why", "saves": False}
    assert said[0] == [{"op": "ages", "heard": 9.0, "moved": 9.0}], "the other one has not confirmed"
    two.on({"guard": "why", "saves": False}, store)
    time.sleep(0.31)
    one.poll(store)
    two.poll(store)
    assert said[0][-1] == said[1][-1] == {"op": "ready"}


def test_the_node_that_keeps_the_store_answers_its_host_when_the_other_one_has_read_all_places() -> None:
    """Its host ends it then: the other one would find no store, and name no rank but its own."""
    store, said = Store(), []  # type: ignore[var-annotated]

    def words(node: int, channel: Any) -> GuardWords:
        return GuardWords(channel, node=node, nodes=2)

    first = words(0, SimpleNamespace(send=lambda message: said.append(("first", message["places"]))))
    second = words(1, SimpleNamespace(send=lambda message: said.append(("second", message["places"]))))
    keeper = threading.Thread(target=first.on, args=({"places": {"rank 0": "there"}}, store))
    keeper.start()
    store.set("shardyard/guard/places/1", json.dumps({"rank 1": "here"}))
    time.sleep(0.3)
    assert said == [], "the second node has told its places, and read none"
    second.on({"places": {"rank 1": "here"}}, store)
    keeper.join(5)
    everything = {"rank 0": "there", "rank 1": "here"}
    assert sorted(said) == [("first", everything), ("second", everything)]


def test_no_stack_at_all_is_said_too() -> None:
    assert describe({}, {}) == "no rank wrote where it is"
