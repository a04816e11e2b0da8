"""The first node's decisions: it hears what the nodes say, and tells them what to do."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.orders import make_order
from training.launcher.forking.order import Task
from training.launcher.tensorflow import lead as leads
from training.launcher.tensorflow.lead import Lead

HOSTS = ("algo-1", "algo-2")
WORKERS = tuple(
    Task(kind="worker", index=number, host=host, address=f"10.0.0.{number + 1}") for number, host in enumerate(HOSTS)
)
COORDINATED = (
    Task(kind="chief", index=0, host="algo-1", address="10.0.0.1"),
    *WORKERS,
    Task(kind="ps", index=0, host="algo-2", address="10.0.0.2"),
)


class Watching:
    """What a lead needs of a supervisor: descriptors with something to read are its callbacks' turn."""

    def __init__(self) -> None:
        self.callbacks: dict[int, Callable[[], None]] = {}

    def watch(self, descriptor: int, callback: Callable[[], None]) -> None:
        self.callbacks[descriptor] = callback

    def unwatch(self, descriptor: int) -> None:
        self.callbacks.pop(descriptor, None)


class Nodes:
    """A lead, and the lines of nodes that a test speaks for."""

    def __init__(self, tasks: tuple[Task, ...], restarts: int = 3) -> None:
        self.watching: Any = Watching()
        ours, theirs = socket.socketpair()
        order = make_order(hosts=HOSTS, tasks=tasks, restarts_left=restarts, restart_limit=restarts, wait_seconds=60.0)
        self.lead = Lead(self.watching, order, theirs)
        self.lines = {"algo-1": ours}
        self.tasks = tasks

    def join(self, host: str, attempt: int = -1) -> None:
        if host not in self.lines:
            self.lines[host], theirs = socket.socketpair()
            self.lead._welcome(theirs)
        self.say(host, op="hello", host=host, attempt=attempt)

    def say(self, host: str, /, **message: Any) -> None:
        self.lines[host].sendall(json.dumps(message).encode() + b"\n")
        self.turn()

    def turn(self) -> None:
        for callback in list(self.watching.callbacks.values()):
            callback()
        self.lead.look()

    def heard(self, host: str) -> list[dict[str, Any]]:
        """What the node has been told since the last time."""
        line = self.lines[host]
        line.setblocking(False)
        try:
            text = line.recv(1 << 16)
        except BlockingIOError:
            return []
        finally:
            line.setblocking(True)
        return [json.loads(line) for line in text.splitlines()]

    def ports(self, attempt: int) -> None:
        for host in HOSTS:
            own = [task.name for task in self.tasks if task.host == host]
            self.say(host, op="ports", attempt=attempt, ports={name: 7000 + attempt for name in own})

    def started(self) -> "Nodes":
        for host in HOSTS:
            self.join(host)
        self.ports(0)
        for host in HOSTS:
            assert [message["op"] for message in self.heard(host)] == ["prepare", "start"]
        return self

    def ends(self, host: str, task: str, status: int, *, at: float = 1.0, incurable: bool = False) -> None:
        text = f"{task} on {host} ended"
        end = {"killed": status < 0, "at": at, "task": task, "text": text, "code": 1, "incurable": incurable}
        self.say(host, op="ended", attempt=self.lead._attempt, task=task, status=status, end=end)


@pytest.fixture(autouse=True)
def hears_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leads, "_HEAR_SECONDS", 0.0)


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    yield Nodes(WORKERS).started()


def test_the_tasks_start_when_every_node_has_come_and_said_its_ports() -> None:
    late = Nodes(WORKERS)
    late.join("algo-1")
    assert late.heard("algo-1") == []
    late.join("algo-2")
    assert late.heard("algo-1") == [{"op": "prepare", "attempt": 0}]
    late.ports(0)
    (start,) = late.heard("algo-1")
    assert start == {"op": "start", "attempt": 0, "cluster": {"worker": ["10.0.0.1:7000", "10.0.0.2:7000"]}}


def test_the_run_is_done_when_all_workers_are(nodes: Nodes) -> None:
    nodes.ends("algo-2", "worker 1", 0)
    assert nodes.heard("algo-1") == []
    nodes.ends("algo-1", "worker 0", 0)
    assert nodes.heard("algo-2") == [{"op": "over", "code": 0, "message": ""}]


def test_the_run_is_done_when_the_chief_is_and_workers_and_servers_never_are() -> None:
    nodes = Nodes(COORDINATED).started()
    nodes.ends("algo-1", "chief", 0)
    assert nodes.heard("algo-2") == [{"op": "over", "code": 0, "message": ""}]


def test_all_start_again_on_new_ports_and_the_killed_task_is_named(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leads, "_HEAR_SECONDS", 0.3)
    nodes.ends("algo-1", "worker 0", 1, at=1.0)
    nodes.ends("algo-2", "worker 1", -9, at=2.0)
    assert nodes.heard("algo-1") == [], "another end may be on its way"
    time.sleep(0.31)
    nodes.turn()
    stop = {"op": "stop", "attempt": 0, "why": "worker 1 on algo-2 ended", "left": 2}
    assert nodes.heard("algo-1") == nodes.heard("algo-2") == [stop]
    for host in HOSTS:
        nodes.say(host, op="stopped", attempt=0)
    assert nodes.heard("algo-2") == [{"op": "prepare", "attempt": 1}]
    nodes.ports(1)
    assert nodes.heard("algo-2")[0]["cluster"]["worker"][0] == "10.0.0.1:7001"


def test_the_first_of_several_failures_is_the_reason(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leads, "_HEAR_SECONDS", 0.1)
    nodes.ends("algo-2", "worker 1", 1, at=2.0)
    nodes.ends("algo-1", "worker 0", 1, at=1.0)
    time.sleep(0.11)
    nodes.turn()
    assert nodes.heard("algo-2")[0]["why"] == "worker 0 on algo-1 ended"


@pytest.mark.parametrize(("restarts", "incurable"), [(0, False), (3, True)])
def test_without_a_restart_that_could_help_the_failure_ends_the_run(restarts: int, incurable: bool) -> None:
    nodes = Nodes(WORKERS, restarts=restarts).started()
    nodes.ends("algo-2", "worker 1", 1, incurable=incurable)
    assert nodes.heard("algo-1") == [{"op": "over", "code": 1, "message": "worker 1 on algo-2 ended"}]


def test_a_coordinators_worker_starts_again_alone_and_a_server_does_not() -> None:
    nodes = Nodes(COORDINATED).started()
    nodes.ends("algo-2", "worker 1", -9)
    again = {"op": "again", "task": "worker 1", "why": "worker 1 on algo-2 ended", "left": 2}
    assert nodes.heard("algo-2") == [again]
    nodes.ends("algo-2", "ps 0", -9)
    assert nodes.heard("algo-1")[1]["op"] == "stop"


def test_a_lost_node_may_come_back(nodes: Nodes) -> None:
    nodes.lines.pop("algo-2").close()
    nodes.turn()
    (stop,) = nodes.heard("algo-1")
    assert stop == {"op": "stop", "attempt": 0, "why": "the tensorflow host on algo-2 was lost", "left": 2}
    nodes.say("algo-1", op="stopped", attempt=0)
    nodes.join("algo-2")
    assert nodes.heard("algo-2") == [{"op": "prepare", "attempt": 1}]


def test_a_lost_node_that_stays_away_ends_the_run(nodes: Nodes) -> None:
    nodes.lines.pop("algo-2").close()
    nodes.turn()
    nodes.say("algo-1", op="stopped", attempt=0)
    nodes.lead._deadline = 0.0
    nodes.turn()
    assert nodes.heard("algo-1")[-1] == {
        "op": "over",
        "code": 1,
        "message": "algo-2 was lost, and did not come back within 60 s",
    }


def test_a_node_that_never_came_is_named() -> None:
    nodes = Nodes(WORKERS)
    nodes.join("algo-1")
    nodes.lead._deadline = 0.0
    nodes.turn()
    assert nodes.heard("algo-1")[0]["message"].startswith("algo-2 never came: read its log")


def test_a_node_that_does_not_answer_is_named(nodes: Nodes) -> None:
    nodes.ends("algo-1", "worker 0", -9)
    nodes.say("algo-1", op="stopped", attempt=0)
    nodes.lead._deadline = 0.0
    nodes.turn()
    assert nodes.heard("algo-1")[-1]["message"].startswith("algo-2 did not answer for 60 s")


def test_what_is_said_of_a_start_that_is_over_counts_no_more(nodes: Nodes) -> None:
    nodes.say("algo-2", op="ended", attempt=-1, task="worker 1", status=0, end={})
    nodes.ends("algo-1", "worker 0", 0)
    assert nodes.heard("algo-1") == []


def test_a_lead_that_was_started_again_goes_on_counting_attempts() -> None:
    nodes = Nodes(WORKERS)
    nodes.join("algo-1")
    nodes.join("algo-2", attempt=4)
    assert nodes.heard("algo-1") == [{"op": "prepare", "attempt": 5}]


def test_sigterm_on_one_node_is_heard_by_all(nodes: Nodes) -> None:
    nodes.say("algo-2", op="terminated")
    assert nodes.heard("algo-1") == [{"op": "interrupt"}]
    nodes.ends("algo-1", "worker 0", 1)
    assert nodes.heard("algo-1") == [], "nothing is started again"


@pytest.mark.parametrize(
    "hello",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"[]\n",
        b'{"op": "hello", "host": "algo-3", "attempt": 0}\n',
        b'{"op": "hello", "host": "algo-2", "attempt": "no"}\n',
        b'{"op": "over", "host": "algo-2", "attempt": 0}\n',
    ],
)
def test_a_caller_that_is_no_node_is_sent_away(hello: bytes) -> None:
    nodes = Nodes(WORKERS)
    nodes.join("algo-1")
    stranger, theirs = socket.socketpair()
    nodes.lead._welcome(theirs)
    stranger.sendall(hello)
    nodes.turn()
    stranger.settimeout(5)
    assert stranger.recv(10) == b""
    nodes.join("algo-2")
    assert nodes.heard("algo-2") == [{"op": "prepare", "attempt": 0}]


def test_the_nodes_hear_of_one_anothers_guards(nodes: Nodes) -> None:
    nodes.say("algo-1", op="ages", ages={"heard": 9.0, "moved": 9.0})
    nodes.say("algo-2", op="ages", ages={"heard": 4.0, "moved": -1.0})
    assert nodes.heard("algo-1")[-1] == {"op": "ages", "heard": 4.0, "moved": 9.0}
    nodes.say("algo-2", op="guard", guard="why", saves=False)
    assert nodes.heard("algo-1") == [{"op": "guarded", "why": "why", "saves": False}]
    nodes.say("algo-1", op="guard", guard="why", saves=False)
    assert nodes.heard("algo-1") == [{"op": "ready"}]
    nodes.say("algo-1", op="places", places={"worker 0": 1})
    nodes.say("algo-2", op="places", places={"worker 1": 2})
    assert nodes.heard("algo-1") == [{"op": "places", "places": {"worker 0": 1, "worker 1": 2}}]
