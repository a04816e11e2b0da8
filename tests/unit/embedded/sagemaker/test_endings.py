"""How an attempt ends, and which signals its nodes get until then."""

import queue
import signal
from typing import Any

from embedded.nodes.engine import NodeExit
from embedded.services.sagemaker.jobs import endings
from embedded.services.sagemaker.jobs.endings import Inbox, Order


def wait_for(inbox: Inbox, limits: dict[Any, float], grace: float, answers: dict[int, list[Any]]) -> tuple[Any, Any]:
    signals: list[int] = []
    reasons: list[str] = []

    def send(number: int) -> None:
        signals.append(number)
        for item in answers.get(number, []):
            inbox.put(item)

    ending = endings.wait(inbox, 2, limits=limits, grace_seconds=grace, signal_all=send, note=reasons.append)
    return ending, signals


def exits(code_1: int, code_2: int) -> list[NodeExit]:
    return [NodeExit(host="algo-1", code=code_1), NodeExit(host="algo-2", code=code_2)]


def test_an_attempt_that_ends_by_itself() -> None:
    inbox: Inbox = queue.Queue()
    for item in exits(0, 0):
        inbox.put(item)
    ending, signals = wait_for(inbox, {"max_runtime": 60.0}, 1, {})
    assert (ending.reason, ending.first_failed, signals) == ("completed", None, [])


def test_the_first_failure_is_the_one_that_counts() -> None:
    inbox: Inbox = queue.Queue()
    inbox.put(NodeExit(host="algo-2", code=3))
    ending, signals = wait_for(inbox, {}, 1, {signal.SIGTERM: [NodeExit(host="algo-1", code=1)]})
    assert (ending.reason, ending.first_failed) == ("failed", "algo-2")
    assert ending.codes == {"algo-1": 1, "algo-2": 3}
    assert signals == [signal.SIGTERM]


def test_a_limit_and_then_the_grace() -> None:
    inbox: Inbox = queue.Queue()
    limits = {"max_runtime": 0.05, "max_wait": 60.0}
    ending, signals = wait_for(inbox, limits, 0.05, {signal.SIGKILL: exits(137, 137)})
    assert (ending.reason, ending.killed, ending.first_failed) == ("max_runtime", True, None)
    assert signals == [signal.SIGTERM, signal.SIGKILL]


def test_an_order_to_go_at_once() -> None:
    inbox: Inbox = queue.Queue()
    inbox.put(Order(reason="hardware", at_once=True))
    ending, signals = wait_for(inbox, {}, 60, {signal.SIGKILL: exits(137, 137)})
    assert (ending.reason, ending.killed, signals) == ("hardware", True, [signal.SIGKILL])
