"""Beside parameter servers the coordinator hands steps to the workers, each with its batch."""

from collections import deque
from collections.abc import Sequence
from typing import Any

from contract.refusal import Refused

_AHEAD = 2
"""Steps that wait for each worker: enough that none is idle, few enough that batches need no memory."""


class Handing:
    """Hands out steps, only so many ahead."""

    def __init__(self, coordinator: Any, workers: int) -> None:
        self._coordinator, self._most = coordinator, _AHEAD * workers
        self._given: deque[Any] = deque()

    def give(self, step: Any, batch: Sequence[Any]) -> Any:
        """Have some worker compute a step; returns what its result can be fetched from."""
        remote = self._coordinator.schedule(step, args=tuple(batch))
        self._given.append(remote)
        while len(self._given) > self._most:
            self._given.popleft().fetch()
        return remote


def require_one_gpu(gpus_of_each: int) -> None:
    """Refuse workers that see several GPUs: all of them would learn from the one batch that a step has."""
    if gpus_of_each > 1:
        raise Refused(
            f"each worker sees {gpus_of_each} GPUs, and with parameter servers a worker computes on one: start a "
            f"worker for each (processes_per_node = {gpus_of_each} in [program])"
        )
