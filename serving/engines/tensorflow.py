"""SavedModels and .keras files. A signature's own concrete function answers in a hundredth of `predict`'s time."""

from pathlib import Path
from typing import Any

import numpy

from serving.engines.errors import Unservable, need
from serving.engines.shapes import numbers, rows_of

_BATCH = 16
_SIGNATURE = "serving_default"


class TensorFlowEngine:
    """A concrete function of one input."""

    name = "TensorFlow"
    batch = _BATCH

    def __init__(self, model: Any, function: Any, inputs: Any, *, positional: bool) -> None:
        self.model = model
        self._function = function
        self._name = inputs.name.partition(":")[0]
        self._type = inputs.dtype.as_numpy_dtype
        self._shape = list(inputs.shape)[1:]
        self._constant = need("tensorflow", "tensorflow-cpu", "the model").constant
        self._positional = positional

    def warm(self) -> "TensorFlowEngine":
        """Call once: the first call builds what later ones use."""
        if None not in self._shape:
            self.predict(numpy.zeros((1, *self._shape), self._type))
        return self

    def prepare(self, decoded: Any) -> numpy.ndarray:
        """Rows of the input's shape and type."""
        return rows_of(numbers(decoded, self._type), self._shape)

    def predict(self, rows: numpy.ndarray) -> Any:
        """The only output, or all by name."""
        given = self._constant(rows)
        found = self._function(given) if self._positional else self._function(**{self._name: given})
        if not isinstance(found, dict):
            return found.numpy()
        arrays = {name: value.numpy() for name, value in sorted(found.items())}
        return next(iter(arrays.values())) if len(arrays) == 1 else arrays


def load_saved_model(folder: Path) -> TensorFlowEngine:
    """A SavedModel by its serving signature."""
    tf = need("tensorflow", "tensorflow-cpu", f"{folder.name}/saved_model.pb")
    loaded = tf.saved_model.load(str(folder))
    function = loaded.signatures.get(_SIGNATURE)
    if function is None:
        known = ", ".join(loaded.signatures) or "none"
        raise Unservable(f"the SavedModel has no signature {_SIGNATURE}; it has: {known}")
    _, named = function.structured_input_signature
    if len(named) != 1:
        raise Unservable(
            f"the signature takes {', '.join(named)}, and one input is served as it is: write code/inference.py"
        )
    engine = TensorFlowEngine(loaded, function, next(iter(named.values())), positional=False)
    return engine.warm()


def load_keras(path: Path) -> TensorFlowEngine:
    """A .keras file; refuses what could run code of its own."""
    keras = need("keras", "tensorflow-cpu", path.name)
    return wrap_keras(keras.models.load_model(path, compile=False, safe_mode=True))


def wrap_keras(model: Any) -> TensorFlowEngine:
    """A Keras model, traced once for any number of rows."""
    tf = need("tensorflow", "tensorflow-cpu", "the model")
    if len(model.inputs) != 1:
        raise Unservable(
            f"the model takes {len(model.inputs)} inputs, and one is served as it is: write code/inference.py"
        )
    shape, dtype = (None, *model.inputs[0].shape[1:]), model.inputs[0].dtype
    spec = tf.TensorSpec(shape, dtype, name="inputs")
    function = tf.function(lambda inputs: model(inputs, training=False)).get_concrete_function(spec)
    return TensorFlowEngine(model, function, spec, positional=True).warm()
