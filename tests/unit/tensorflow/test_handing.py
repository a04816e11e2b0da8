"""Steps are handed out ahead of the workers, but not without end."""

from typing import Any

import pytest

from contract.refusal import Refused
from training.tensorflow.parallel.handing import Handing, require_one_gpu


class Coordinator:
    """Notes what is scheduled and what is waited for."""

    def __init__(self) -> None:
        self.scheduled: list[Any] = []
        self.fetched: list[Any] = []

    def schedule(self, step: Any, args: tuple[Any, ...]) -> Any:
        self.scheduled.append((step, args))
        return Remote(self, args[0])


class Remote:
    """What a step will have found."""

    def __init__(self, coordinator: Coordinator, number: int) -> None:
        self._coordinator, self._number = coordinator, number

    def fetch(self) -> int:
        self._coordinator.fetched.append(self._number)
        return self._number


def test_the_oldest_steps_are_waited_for_when_two_for_each_worker_are_ahead() -> None:
    coordinator = Coordinator()
    handing = Handing(coordinator, workers=3)
    for number in range(6):
        handing.give("step", [number])
    assert coordinator.fetched == []
    assert handing.give("step", [6]).fetch() == 6
    assert coordinator.fetched == [0, 6]
    assert coordinator.scheduled == [("step", (number,)) for number in range(7)]


def test_workers_with_several_gpus_are_refused_and_told_how_to_be_more() -> None:
    require_one_gpu(1)
    with pytest.raises(Refused, match=r"each worker sees 4 GPUs, .*\(processes_per_node = 4 in \[program\]\)"):
        require_one_gpu(4)
