"""Variables as one file, and back: numpy's arrays under the names that the file knows their numbers by."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy
import tensorflow as tf

from training.saves.storage import Storage
from training.saves.tensor_file import Entry, encode_header, read_content, read_header
from training.saves.unfit import Unfit

TENSORS = "tensors.safetensors"
"""What a rank writes of the model and the optimizer."""

_CODES = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2",
    "complex64": "C64",
    "int64": "I64",
    "int32": "I32",
    "int16": "I16",
    "int8": "I8",
    "uint64": "U64",
    "uint32": "U32",
    "uint16": "U16",
    "uint8": "U8",
    "bool": "BOOL",
}
_DTYPES = {code: name for name, code in _CODES.items()}


def code_of(name: str, dtype: str) -> str:
    """What a variable's numbers are called."""
    if dtype not in _CODES:
        raise Unfit(f"{name} is of {dtype}, which a checkpoint cannot hold; it can hold {', '.join(sorted(_CODES))}")
    return _CODES[dtype]


def write_tensors(stream: Any, tensors: Mapping[str, Any]) -> None:
    """Write the file; the widest numbers first, so that each lies where its type may lie."""
    arrays = {name: numpy.asarray(tensor) for name, tensor in tensors.items()}
    order = sorted(arrays, key=lambda name: -arrays[name].itemsize)
    entries: dict[str, Entry] = {}
    start = 0
    for name in order:
        array = arrays[name]
        shape = tuple(array.shape)
        entries[name] = Entry(
            dtype=code_of(name, str(array.dtype)),
            shape=shape,
            whole=shape,
            offsets=(0,) * len(shape),
            start=start,
            end=start + array.nbytes,
        )
        start += array.nbytes
    stream.write(encode_header(entries))
    for name in order:
        stream.write(numpy.ascontiguousarray(arrays[name]).reshape(-1).view(numpy.uint8).data)


def read_headers(storage: Storage, files: Iterable[str]) -> dict[str, tuple[str, Entry]]:
    """In which file each tensor lies. Of one that several ranks wrote, any copy will do."""
    found: dict[str, tuple[str, Entry]] = {}
    for file in files:
        for name, entry in read_header(storage, file).items():
            found.setdefault(name, (file, entry))
    return found


def read_tensor(storage: Storage, file: str, entry: Entry) -> numpy.ndarray:
    """One tensor of a file."""
    content = read_content(storage, file, entry)
    dtype = tf.dtypes.as_dtype(_DTYPES[entry.dtype]).as_numpy_dtype
    found: numpy.ndarray = numpy.frombuffer(content, dtype=numpy.uint8).view(dtype).reshape(entry.shape)
    return found
