"""The states of every random number generator that a training script may draw from, apart from a model's own layers.

What `tf.random.normal` and the like draw from cannot be read: use `keras.random` or `tf.random.stateless_*`, whose
seeds are a model's variables or the caller's.
"""

import hashlib
import random
from typing import Any

import keras
import numpy
from keras.src.backend.common import global_state
from tensorflow.python.ops import stateful_random_ops

_GLOBAL_SEED = "global_seed_generator"


def read_random_state() -> dict[str, Any]:
    """Python's and numpy's generators, and TensorFlow's and Keras's global ones where they are used."""
    state: dict[str, Any] = {"python": random.getstate(), "numpy": numpy.random.get_state()}
    if (seeds := global_state.get_global_attribute(_GLOBAL_SEED)) is not None:
        state["keras"] = numpy.array(seeds.state.numpy())
    if (generator := stateful_random_ops.global_generator) is not None:
        state["tensorflow"] = numpy.array(generator.state.numpy())
    return state


def write_random_state(state: dict[str, Any]) -> None:
    """Put them all back."""
    random.setstate(state["python"])
    numpy.random.set_state(state["numpy"])
    if "keras" in state:
        keras.src.random.seed_generator.global_seed_generator().state.assign(state["keras"])
    if "tensorflow" in state:
        stateful_random_ops.get_global_generator().state.assign(state["tensorflow"])


def seed_of(*parts: int | str) -> int:
    """A digest of the parts: the same parts, the same number."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:4], "big") & 0x7FFFFFFF


def seed_everything(*parts: int | str) -> None:
    """Seed all generators with a digest of the parts."""
    keras.utils.set_random_seed(seed_of(*parts))
