"""Rows in the shape that a model takes."""

from collections.abc import Sequence
from typing import Any

import numpy

from contract.refusal import RequestError
from serving.codecs.sparse import SparseRows


def only_array(decoded: Any) -> numpy.ndarray:
    """The array of a request that may have named several."""
    if isinstance(decoded, dict):
        if len(decoded) != 1:
            raise RequestError(f"the model takes one array, and the request has {', '.join(decoded)}")
        decoded = next(iter(decoded.values()))
    return decoded.dense(None, missing=0.0) if isinstance(decoded, SparseRows) else numpy.asarray(decoded)


def numbers(decoded: Any, dtype: Any = numpy.float32) -> numpy.ndarray:
    """An array of numbers of one type."""
    found = only_array(decoded)
    if found.dtype.kind not in "biuf":
        raise RequestError(f"the model takes numbers, and the request has {found.dtype}")
    return found.astype(dtype, copy=False)


def rows_of(found: numpy.ndarray, shape: Sequence[int | None]) -> numpy.ndarray:
    """Rows of a known shape, where None is any length: a lone row gets company, a flat one its shape."""
    wanted = tuple(shape)
    if _fits(found.shape[1:], wanted):
        return found
    if _fits(found.shape, wanted):
        return found[None]
    size = 1
    for length in wanted:
        size *= length if length is not None else 0
    if size and found.ndim and found.shape[-1] != size and found.size == size:
        return found.reshape(1, *(length or 0 for length in wanted))
    if size and found.ndim in (1, 2) and found.shape[-1] == size:
        return found.reshape(-1, *(length or 0 for length in wanted))
    if size and found.ndim and int(numpy.prod(found.shape[1:])) == size:
        return found.reshape(-1, *(length or 0 for length in wanted))
    shown = " x ".join("any" if length is None else str(length) for length in wanted) or "1 value"
    raise RequestError(f"the model takes rows of {shown}, and the request has the shape {list(found.shape)}")


def table(decoded: Any, columns: int | None, dtype: Any = numpy.float64, *, missing: float = 0.0) -> numpy.ndarray:
    """Rows of a table, [rows, columns]; `missing` is what a sparse row leaves out."""
    if isinstance(decoded, SparseRows):
        decoded = decoded.dense(columns, missing=missing)
    found = numbers(decoded, dtype)
    if found.ndim < 2:
        found = found.reshape(1, -1)
    if columns is not None and found.shape[1:] != (columns,):
        raise RequestError(f"the model takes {columns} columns, and the request has the shape {list(found.shape)}")
    return found


def _fits(found: Sequence[int], wanted: Sequence[int | None]) -> bool:
    return len(found) == len(wanted) and all(b is None or a == b for a, b in zip(found, wanted, strict=True))
