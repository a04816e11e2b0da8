"""The states of every random number generator that a training script may draw from."""

import hashlib
import random
from typing import Any

import numpy
import torch


def read_random_state() -> dict[str, Any]:
    """The states of python's, numpy's and torch's generators, the current GPU's included."""
    state = {"python": random.getstate(), "numpy": numpy.random.get_state(), "torch": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def write_random_state(state: dict[str, Any]) -> None:
    """Put them all back."""
    random.setstate(state["python"])
    numpy.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
    if torch.cuda.is_available() and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"])


def seed_everything(*parts: int | str) -> None:
    """Seed all generators with a digest of the parts: the same parts, the same numbers."""
    seed = int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:4], "big")
    random.seed(seed)
    numpy.random.seed(seed)
    torch.manual_seed(seed)
