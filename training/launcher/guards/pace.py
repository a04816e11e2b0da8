"""The times of a rank's last steps, in memory that the rank shares with the process that has forked it."""

import mmap
import statistics
import struct
from typing import NamedTuple

from contract.guards import SLOW_RANK_STEPS

_COUNT, _STEP = struct.Struct("q"), struct.Struct("dd")


class Times(NamedTuple):
    """The medians over a rank's last steps, in seconds."""

    own: float
    """What the rank does by itself: data, forward pass, optimizer; without the waits for other ranks."""

    whole: float
    """From one step of the optimizer to the next."""


class Pace:
    """One rank's times. It is made before the fork; the rank writes and the other process reads."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _COUNT.size + SLOW_RANK_STEPS * _STEP.size)

    def add(self, own: float, whole: float) -> None:
        """One more step, in the place of the oldest."""
        (count,) = _COUNT.unpack_from(self._memory)
        _STEP.pack_into(self._memory, _COUNT.size + count % SLOW_RANK_STEPS * _STEP.size, own, whole)
        _COUNT.pack_into(self._memory, 0, count + 1)

    def times(self) -> Times | None:
        """The medians; None before there are enough steps."""
        if _COUNT.unpack_from(self._memory)[0] < SLOW_RANK_STEPS:
            return None
        steps = list(_STEP.iter_unpack(self._memory[_COUNT.size :]))
        return Times(own=statistics.median(own for own, _ in steps), whole=statistics.median(all_ for _, all_ in steps))
