"""ONNX models, by ONNX Runtime."""

from pathlib import Path
from typing import Any

import numpy

from contract.refusal import RequestError
from serving.engines.errors import Unservable, need
from serving.engines.shapes import numbers, rows_of

_TYPES = {
    "tensor(float)": numpy.float32,
    "tensor(double)": numpy.float64,
    "tensor(int64)": numpy.int64,
    "tensor(int32)": numpy.int32,
    "tensor(uint8)": numpy.uint8,
}


class OnnxEngine:
    """A session with one input."""

    name = "ONNX"

    def __init__(self, session: Any, label: str) -> None:
        inputs = session.get_inputs()
        if len(inputs) != 1 or inputs[0].type not in _TYPES:
            found = ", ".join(f"{one.name} ({one.type})" for one in inputs)
            raise Unservable(
                f"{label} takes {found}, and one input of numbers is served as it is: write code/inference.py"
            )
        self.model = session
        self._input = inputs[0].name
        self._type = _TYPES[inputs[0].type]
        shape = inputs[0].shape
        self._shape = [length if isinstance(length, int) and length > 0 else None for length in shape[1:]]
        self.batch = 1 if shape and isinstance(shape[0], int) else 16
        self._outputs = [one.name for one in session.get_outputs() if one.type.startswith("tensor(")]

    def prepare(self, decoded: Any) -> numpy.ndarray:
        """Rows of the input's shape and type."""
        return rows_of(numbers(decoded, self._type), self._shape)

    def predict(self, rows: numpy.ndarray) -> Any:
        """The only output, or all by name."""
        if self.batch == 1 and len(rows) != 1:
            raise RequestError(f"the model takes 1 row at a time, and the request has {len(rows)}")
        found = self.model.run(self._outputs, {self._input: rows})
        return found[0] if len(found) == 1 else dict(zip(self._outputs, found, strict=True))


def load_onnx(path: Path) -> OnnxEngine:
    """A session of one thread: workers are the parallelism."""
    runtime = need("onnxruntime", "onnxruntime", path.name)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = runtime.InferenceSession(str(path), options, providers=runtime.get_available_providers())
    return OnnxEngine(session, path.name)
