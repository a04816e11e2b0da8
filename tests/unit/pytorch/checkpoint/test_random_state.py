"""The random states that a checkpoint holds: those of every library that a script may draw from."""

import random
from collections.abc import Callable

import numpy
import pytest
import torch

from training.pytorch.random_state import read_random_state, seed_everything, write_random_state

GENERATORS = {
    "python": random.random,
    "numpy": lambda: float(numpy.random.random()),
    "torch": lambda: float(torch.rand(())),
}


@pytest.mark.parametrize("draw", GENERATORS.values(), ids=GENERATORS)
def test_a_state_that_is_given_back_draws_the_same_numbers(draw: Callable[[], float]) -> None:
    state = read_random_state()
    drawn = [draw() for _ in range(3)]
    write_random_state(state)
    assert [draw() for _ in range(3)] == drawn


@pytest.mark.parametrize("draw", GENERATORS.values(), ids=GENERATORS)
def test_the_same_parts_seed_the_same_numbers(draw: Callable[[], float]) -> None:
    drawn = []
    for parts in (("run", 4, 0, 2), ("run", 4, 1, 2), ("run", 4, 0, 2)):
        seed_everything(*parts)
        drawn.append(draw())
    assert drawn[0] == drawn[2] != drawn[1]


class Gpu:
    """The generator of a GPU that is not there."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.state = torch.tensor([1, 2, 3], dtype=torch.uint8)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "get_rng_state", lambda: self.state.clone())
        monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state: setattr(self, "state", state))


def test_the_gpus_state_is_kept_and_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = Gpu(monkeypatch)
    state = read_random_state()
    gpu.state = torch.zeros(3, dtype=torch.uint8)
    write_random_state(state)
    assert gpu.state.tolist() == [1, 2, 3]


def test_a_state_from_a_processor_loads_on_a_gpu_and_the_other_way_round(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    on_processor = read_random_state()
    gpu = Gpu(monkeypatch)
    write_random_state(on_processor)
    assert gpu.state.tolist() == [1, 2, 3]
    on_gpu = read_random_state()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state: pytest.fail("there is no GPU"))
    write_random_state(on_gpu)
