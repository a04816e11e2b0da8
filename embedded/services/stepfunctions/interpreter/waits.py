"""Waits of moto's interpreter, by the cloud's clock: Wait states, retries, time-outs, heartbeats, callbacks."""

import threading
from types import SimpleNamespace
from typing import Any

from moto.stepfunctions.parser import utils
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.program import program
from moto.stepfunctions.parser.asl.component.state.exec import execute_state
from moto.stepfunctions.parser.asl.component.state.wait.wait_function import wait_function
from moto.stepfunctions.parser.asl.eval import environment
from moto.stepfunctions.parser.asl.eval.callback import callback

from embedded import clock, moto_patches

_EVENTS = SimpleNamespace(Event=clock.Event, RLock=threading.RLock)


class _Thread(threading.Thread):
    """A thread whose `join` waits by the clock."""

    def join(self, timeout: float | None = None) -> None:
        if timeout is None:
            super().join()
        else:
            clock.join(self, timeout)


def _wait_interval(self: Any, env: Any, wait_seconds: float) -> None:
    """moto's loop counts whole seconds only; this one counts time, and ends when the execution does."""
    until = clock.seconds() + wait_seconds
    while env.is_running() and (left := until - clock.seconds()) > 0:
        env.program_state_event.wait(left)


class _Forgetful(list[threading.Thread]):
    """Keeps none of the threads that it is given."""

    def append(self, thread: threading.Thread) -> None:
        """Forget it."""


def install() -> None:
    """Replace moto's parts."""
    moto_patches.replace_imported(
        "moto.stepfunctions",
        "TMP_THREADS",
        _Forgetful(),
        of=utils,
        reason="it keeps every thread of every state for ever",
    )
    for owner, name, replacement, reason in (
        (wait_function.WaitFunction, "_wait_interval", _wait_interval, "it counts whole seconds"),
        (retrier_decl, "time", SimpleNamespace(sleep=clock.sleep), "its pauses go by the machine's clock"),
        (environment, "threading", _EVENTS, "its waits go by the machine's clock"),
        (execute_state, "threading", _EVENTS, "its time-outs go by the machine's clock"),
        (callback, "Event", clock.Event, "its time-outs and heartbeats go by the machine's clock"),
        (program, "threading", SimpleNamespace(Thread=_Thread), "its time-out goes by the machine's clock"),
    ):
        moto_patches.replace(owner, name, replacement, reason=reason)
