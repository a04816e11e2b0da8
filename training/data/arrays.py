"""Arrays whose rows are read when they are asked for: mapped files, and the same over ranges of an object in S3."""

from collections.abc import Sequence
from math import prod
from tokenize import TokenError
from typing import Any

from training.data import s3
from training.data.errors import ShardError
from training.data.media import file_size, open_through, read_at


class DistantArray:
    """An array in S3: one request for each row, or for each run of rows."""

    def __init__(self, path: str, *, start: int, shape: Sequence[int], dtype: Any) -> None:
        self.ndim, self.dtype = len(shape), dtype
        self._path, self._start, self._shape = path, start, tuple(shape)
        self._row_bytes = prod(self._shape[1:]) * dtype.itemsize

    def __len__(self) -> int:
        return self._shape[0]

    def __getitem__(self, place: int | slice) -> Any:
        first, behind, _ = place.indices(len(self)) if isinstance(place, slice) else (place, place + 1, 1)
        rows = self._read(first, behind)
        return rows if isinstance(place, slice) else rows[0]

    def _read(self, first: int, behind: int) -> Any:
        import numpy

        data = read_at(self._path, self._start + first * self._row_bytes, (behind - first) * self._row_bytes)
        return numpy.frombuffer(data, self.dtype).reshape(behind - first, *self._shape[1:])


def open_array(path: str) -> Any:
    """A .npy file or object."""
    from numpy.lib import format as npy

    try:
        array = _open_distant(path) if s3.is_s3(path) else npy.open_memmap(path, mode="r")
    except ShardError:
        raise
    except (OSError, ValueError, EOFError, SyntaxError, TokenError) as error:  # numpy parses the header as Python
        raise ShardError(path, 0, f"this is no .npy file that can be read: {error}") from error
    if array.ndim == 0:
        raise ShardError(path, 0, "the array is a single number and has no rows")
    return array


def _open_distant(path: str) -> DistantArray:
    from numpy.lib import format as npy

    with open_through(path) as stream:
        version = npy.read_magic(stream)
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = read_header(stream)
        start = stream.tell()
    if fortran or dtype.hasobject:
        raise ShardError(path, 0, "only arrays in C order, without objects, can be read row by row")
    missing = start + prod(shape) * dtype.itemsize - file_size(path)
    if missing > 0:
        raise ShardError(path, file_size(path), f"the file ends {missing} bytes too early")
    return DistantArray(path, start=start, shape=shape, dtype=dtype)


def open_numbers(path: str, dtype: str) -> Any:
    """Raw numbers in one long row."""
    import numpy

    kind, size = numpy.dtype(dtype), file_size(path)
    if size % kind.itemsize:
        raise ShardError(path, size, f"the file is no whole number of {dtype} tokens")
    if size == 0:
        return numpy.empty(0, kind)  # which cannot be mapped
    if s3.is_s3(path):
        return DistantArray(path, start=0, shape=(size // kind.itemsize,), dtype=kind)
    return numpy.memmap(path, dtype=kind, mode="r")


def own_copy(rows: Any) -> Any:
    """Out of the mapped file: torch warns of read-only arrays."""
    import numpy

    return numpy.array(rows)
