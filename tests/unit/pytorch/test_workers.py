"""What is drawn at random in a Loader's workers, and beside them, is the same after a restart."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import torch

from tests.support.training.data_files import make_channel, numbers
from training.data import channel
from training.pytorch.data import Loader
from training.pytorch.random_state import read_random_state, seed_everything, write_random_state

Drawn = tuple[list[Any], float, float, float, float]


def augment(samples: list[Any]) -> tuple[list[Any], float, float, float]:
    """A collate that draws from every generator, as augmentations do."""
    return samples, random.random(), float(numpy.random.random()), float(torch.rand(()))


def draws(loader: Loader) -> Iterator[Drawn]:
    """What workers drew for each batch, and what this process drew beside it, as dropout would."""
    for batch in loader:
        yield (*batch, float(torch.rand(())))


def test_a_resumed_run_draws_what_the_undisturbed_one_draws(tmp_path: Path) -> None:
    environ = make_channel(tmp_path, {"a.jsonl": numbers(16)})

    def start() -> Loader:
        seed_everything(7)
        return Loader(channel("train", environ=environ, seed=1), 2, collate=augment, workers=2)

    loader = start()
    undisturbed = [*draws(loader), *draws(loader)]
    assert len({drawn[1:] for drawn in undisturbed}) == 16, "every batch has draws of its own"

    stopped = start()
    first = []
    for drawn in draws(stopped):
        first.append(drawn)
        if len(first) == 3:
            break
    state, randoms = stopped.state_dict(), read_random_state()
    resumed = start()
    resumed.load_state_dict(state)
    write_random_state(randoms)
    assert [*first, *draws(resumed), *draws(resumed)] == undisturbed
