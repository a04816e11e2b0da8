"""Measures, inside a rank, what the rank itself does of each step; the program needs no change for it.

Ranks that train together end each step at the same time, however slow one of them is: the others wait in the
collectives of the backward pass. So a rank's own time is counted from the optimizer's step to the next backward pass,
and from its end to the optimizer's next step. On a GPU it is measured there, by events in the stream. Ranks that wait
for one another in the forward pass as well (a sharded model) all count that wait, and look alike.
"""

import functools
import time
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from training.launcher.guards.pace import Pace

_MOST_PENDING = 50
"""Steps whose events the GPU has not reached; what is older is given up."""


class _Step(NamedTuple):
    began: Any
    ended: Any
    own: tuple[tuple[Any, Any], ...]


def measure(pace: Pace) -> None:
    """Begin to note the times of this process's steps."""
    meter = _Meter(pace)
    register_optimizer_step_pre_hook(lambda *_: meter.step())
    # The one place that Tensor.backward, and what scales a loss, goes through
    torch.autograd.backward = meter.around(torch.autograd.backward)


class _Meter:
    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._depth = 0
        self._began: Any = None
        self._since: Any = None
        self._own: list[tuple[Any, Any]] = []
        self._pending: deque[_Step] = deque(maxlen=_MOST_PENDING)

    def step(self) -> None:
        """An optimizer is about to step: all ranks are here together."""
        now = _mark()
        if now is None:
            return
        if self._began is not None:
            self._end_stretch(now)
            self._pending.append(_Step(began=self._began, ended=now, own=tuple(self._own)))
        self._began = self._since = now
        self._own = []
        while self._pending and _is_reached(self._pending[0].ended):
            done = self._pending.popleft()
            self._pace.add(sum(_between(*one) for one in done.own), _between(done.began, done.ended))

    def around(self, backward: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, whose time is not the rank's own."""

        @functools.wraps(backward)
        def measured(*arguments: Any, **named: Any) -> Any:
            outermost = self._depth == 0
            if outermost:
                self._end_stretch(_mark())
            self._depth += 1
            try:
                return backward(*arguments, **named)
            finally:
                self._depth -= 1
                if outermost:
                    self._since = _mark()

        return measured

    def _end_stretch(self, now: Any) -> None:
        if self._since is not None and now is not None:
            self._own.append((self._since, now))
        self._since = None


def _mark() -> Any:
    """This moment: an event in the GPU's stream where there is one; None while a graph is captured."""
    if not torch.cuda.is_initialized():
        return time.perf_counter()
    if torch.cuda.is_current_stream_capturing():
        return None
    event = torch.cuda.Event(enable_timing=True)
    event.record()
    return event


def _is_reached(mark: Any) -> bool:
    return isinstance(mark, float) or bool(mark.query())


def _between(first: Any, second: Any) -> float:
    """Seconds; none between the clock and an event, which are the two sides of the GPU's beginning."""
    if isinstance(first, float) or isinstance(second, float):
        return second - first if isinstance(first, float) and isinstance(second, float) else 0.0
    return float(first.elapsed_time(second)) / 1000
