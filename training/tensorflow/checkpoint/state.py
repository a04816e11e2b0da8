"""The variables of a model and its optimizer under names that stay: what a checkpoint is made of and goes back into.

Models and optimizers of Keras 3 and of tf_keras are meant; both have `variables`.
"""

from collections.abc import Mapping
from typing import Any

import numpy
import tensorflow as tf

_SEED = "seed_generator_state"
"""Keras 3's name for what dropout draws from: each worker has its own."""
_UNREADABLE = "legacy_stateful"
"""What a random layer of tf_keras draws from unless it is told otherwise: a state inside of TensorFlow's kernels."""


class TrainingState:
    """All variables, by name."""

    def __init__(self, model: Any, optimizer: Any, strategy: Any) -> None:
        self._strategy = strategy
        if optimizer is not None and not getattr(optimizer, "built", False):
            # Or there is nothing to restore into: an optimizer makes its variables at the first gradient
            with strategy.scope():
                optimizer.build(model.trainable_variables)
        self.variables: dict[str, Any] = {}
        self.seeds: dict[str, Any] = {}
        for number, variable in enumerate(model.variables):
            kind = self.seeds if _last_name(variable) == _SEED else self.variables
            kind[f"model.{number:04d}.{_last_name(variable)}"] = variable
        for number, (_, generator) in enumerate(_generators(model)):
            if generator._rng_type != _UNREADABLE:
                with strategy.scope():
                    generator._maybe_init()
                self.seeds[f"generator.{number:04d}"] = generator._generator.state
        for number, variable in enumerate([] if optimizer is None else optimizer.variables):
            self.variables[f"optimizer.{number:04d}"] = variable

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Of all variables that workers share."""
        return {name: tuple(variable.shape) for name, variable in self.variables.items()}

    def read(self) -> dict[str, Any]:
        """What the variables hold now.

        In the memory of a CPU nothing is copied: where a value is still held, an update takes new memory.
        """
        found = {name: tf.convert_to_tensor(_value(variable)) for name, variable in self.variables.items()}
        return {
            name: tensor if "CPU" in tensor.backing_device and not _is_remote(tensor) else tensor.numpy()
            for name, tensor in found.items()
        }

    def read_seeds(self) -> dict[str, numpy.ndarray]:
        """What each random layer of this worker draws next."""
        return {name: numpy.array(variable.numpy()) for name, variable in self.seeds.items()}

    def write(self, values: Mapping[str, numpy.ndarray]) -> None:
        """Put values back, of any of the variables."""
        everything = {**self.variables, **self.seeds}
        with self._strategy.scope():
            for name, value in values.items():
                everything[name].assign(value)


def layers_with_unreadable_state(model: Any) -> list[str]:
    """The random layers of tf_keras of which nobody can say what they draw next."""
    return [name for name, generator in _generators(model) if generator._rng_type == _UNREADABLE]


def _generators(model: Any) -> list[tuple[str, Any]]:
    """What the random layers of tf_keras draw from, by their names; those of Keras 3 have a variable for it."""
    layers = model._flatten_layers() if hasattr(model, "_flatten_layers") else []
    found = [(layer.name, getattr(layer, "_random_generator", None)) for layer in layers]
    # Stateless ones draw the same each time and have nothing to be saved
    kinds = (_UNREADABLE, "stateful")
    return [(name, one) for name, one in found if getattr(one, "_rng_type", None) in kinds]


def _value(variable: Any) -> Any:
    return getattr(variable, "value", variable) if not callable(getattr(variable, "value", None)) else variable


def _is_remote(tensor: Any) -> bool:
    """Whether it lies on another task, as what a parameter server holds does until it is fetched."""
    return "/job:ps" in tensor.device


def _last_name(variable: Any) -> str:
    path: str = getattr(variable, "path", variable.name)
    return path.rpartition("/")[2].partition(":")[0]
