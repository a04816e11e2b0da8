"""How an attempt ends: by itself, by a failure, by an order from outside, or by a time limit."""

import queue
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from embedded import clock
from embedded.nodes.engine import NodeExit

Reason = Literal["completed", "failed", "stopped", "max_runtime", "max_wait", "interrupted", "hardware", "repaired"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """Something from outside that ends an attempt: StopTrainingJob, or a fault on demand."""

    reason: Reason
    at_once: bool = False
    """No SIGTERM and no grace: the nodes are gone."""


@dataclass(kw_only=True, slots=True)
class Ending:
    """How an attempt ended."""

    reason: Reason = "completed"
    codes: dict[str, int] = field(default_factory=dict)
    """Each host's exit code."""
    first_failed: str | None = None
    """The host that failed first."""
    killed: bool = False
    """Whether nodes were killed, at once or because they did not end within the grace."""


Inbox = queue.Queue[NodeExit | Order]


def wait(
    inbox: Inbox,
    node_count: int,
    *,
    limits: Mapping[Reason, float],
    grace_seconds: float,
    signal_all: Callable[[int], None],
    note: Callable[[Reason], None],
    first_signal: int = signal.SIGTERM,
) -> Ending:
    """Wait until all nodes have ended. The first reason to end sends a signal, and SIGKILL after the grace period.

    `limits` holds the machine's seconds left of each limit: nodes work no faster when the cloud's clock does. The grace
    goes by the cloud's clock. `note` is called with the reason before the nodes are signalled.
    """
    ending = Ending()
    first_limit = min(((time.monotonic() + seconds, reason) for reason, seconds in limits.items()), default=None)
    kill_at: float | None = None
    while len(ending.codes) < node_count:
        try:
            if ending.reason != "completed":
                item = clock.get(inbox, kill_at)
            else:
                item = inbox.get(timeout=max(0.0, first_limit[0] - time.monotonic()) if first_limit else None)
        except queue.Empty:
            if ending.reason != "completed":
                signal_all(signal.SIGKILL)
                ending.killed, kill_at = True, None
                continue
            assert first_limit is not None
            item = Order(reason=first_limit[1])
        if isinstance(item, NodeExit):
            ending.codes[item.host] = item.code
            if item.code == 0:
                continue
            if ending.reason == "completed":
                ending.first_failed = item.host
            item = Order(reason="failed")
        if ending.reason != "completed":
            # the first reason stands, but an order to end at once is still carried out
            if item.at_once:
                signal_all(signal.SIGKILL)
                ending.killed = True
            continue
        ending.reason, ending.killed = item.reason, item.at_once
        note(item.reason)
        signal_all(signal.SIGKILL if item.at_once else first_signal)
        kill_at = clock.seconds() + grace_seconds
    return ending
