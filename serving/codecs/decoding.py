"""From the body of a request to arrays; what cannot be read is told with its place in the body."""

import io
import json
import struct
from collections.abc import Callable
from typing import Any

import numpy

from contract.refusal import RequestError
from serving.codecs import kinds
from serving.codecs.sparse import read_libsvm

_WRAPPERS = ("instances", "inputs", "data")
"""The keys under which TensorFlow Serving's clients and others put their rows."""
_SHOWN_LETTERS = 40


def decode(body: bytes, kind: str) -> Any:
    """The body as an array; as a mapping of arrays where it names several, and as SparseRows where it is sparse."""
    name = kinds.named(kind)
    if not body:
        raise RequestError("the body is empty")
    if name == kinds.CSV:
        return read_csv(body, has_names="header=present" in kind.lower())
    reader: Callable[[bytes], Any] = _READERS.get(name, read_image)
    return reader(body)


def read_json(body: bytes) -> Any:
    """A list, or an object that holds lists under known names or the model's own."""
    return _as_arrays(parse_json(body))


def parse_json(body: bytes) -> Any:
    """JSON, with the place of what is wrong."""
    try:
        return json.loads(body)
    except json.JSONDecodeError as error:
        raise RequestError(f"the body is no JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except UnicodeDecodeError as error:
        raise RequestError(f"the body is no JSON: byte {error.start} is not UTF-8") from None
    except RecursionError:
        raise RequestError("the body is no JSON that can be read: its lists lie too deep in each other") from None
    except ValueError:
        raise RequestError("the body is no JSON that can be read: a number has too many digits") from None


def _as_arrays(value: Any) -> Any:
    if isinstance(value, dict):
        for name in _WRAPPERS:
            if name in value:
                return _as_arrays(value[name])
        return {name: _array(part, f"{name!r}") for name, part in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        names = value[0].keys()
        for index, row in enumerate(value):
            if not isinstance(row, dict) or row.keys() != names:
                raise RequestError(f"row {index + 1} has other names than row 1: {', '.join(names)}")
        return {name: _array([row[name] for row in value], f"{name!r}") for name in names}
    return _array(value, "the body")


def _array(value: Any, where: str) -> numpy.ndarray:
    try:
        found = numpy.array(value)
    except ValueError:
        raise RequestError(f"{where} is no array: its rows differ in length{_first_other(value)}") from None
    if found.dtype.kind not in "biufUS":
        raise RequestError(f"{where} is no array of numbers or of texts")
    return found


def _first_other(rows: Any) -> str:
    """Which row is the first of another length."""
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        return ""
    for index, row in enumerate(rows):
        if len(row) != len(rows[0]):
            return f" (row 1 has {len(rows[0])} values, row {index + 1} has {len(row)})"
    return ""


def read_json_lines(body: bytes) -> Any:
    """A row of numbers, or an object, on every line."""
    rows = []
    for number, line in enumerate(body.splitlines(), 1):
        if line.strip():
            try:
                rows.append(json.loads(line))
            except (ValueError, RecursionError):
                shown = line[:_SHOWN_LETTERS].decode(errors="replace")
                raise RequestError(f"line {number} is no JSON: {shown!r}") from None
    if not rows:
        raise RequestError("the body has no line with a record")
    if all(isinstance(row, dict) and set(row) <= set(_WRAPPERS) and len(row) == 1 for row in rows):
        rows = [next(iter(row.values())) for row in rows]
    return _as_arrays(rows)


def read_csv(body: bytes, *, has_names: bool = False) -> numpy.ndarray:
    """Rows of numbers, [rows, columns]."""
    lines = body.split(b"\n")
    if has_names:
        del lines[0]
    try:
        rows = [line.split(b",") for line in lines if line and line != b"\r"]
        if not rows:
            raise RequestError("the body has no rows")
        return numpy.array(rows, dtype=float)  # which reads each as `float` does, and sooner
    except ValueError:
        raise RequestError(_wrong_in_csv(lines, first=2 if has_names else 1)) from None


def _wrong_in_csv(lines: list[bytes], *, first: int) -> str:
    """The first value of a CSV body that is no number, or its first row of another length."""
    columns = None
    for number, line in enumerate(lines, first):
        if not line.strip():
            continue
        values = line.split(b",")
        for column, value in enumerate(values, 1):
            try:
                float(value)
            except ValueError:
                shown = value[:_SHOWN_LETTERS].decode(errors="replace")
                return f"line {number}, column {column} is no number: {shown!r}"
        columns = len(values) if columns is None else columns
        if len(values) != columns:
            return f"line {number} has {len(values)} values and the lines before it have {columns}"
    return "the body is no CSV of numbers"


_MAGIC = b"\x93NUMPY"
_SHORT, _LONG = struct.Struct("<H"), struct.Struct("<I")
_KNOWN_HEADS: dict[bytes, tuple[numpy.dtype[Any], tuple[int, ...], bool]] = {}
_MOST_HEADS = 256


def read_npy(body: bytes) -> numpy.ndarray:
    """A .npy file. Clients send the same head again and again: it is parsed once, which takes most of the time."""
    try:
        if body[:6] != _MAGIC:
            raise ValueError("it does not begin as one")
        size = _SHORT if body[6] == 1 else _LONG
        begin = 8 + size.size + size.unpack_from(body, 8)[0]
        known = _KNOWN_HEADS.get(body[:begin])
        if known is None:
            stream = io.BytesIO(body)
            version = numpy.lib.format.read_magic(stream)
            read = (
                numpy.lib.format.read_array_header_1_0 if version == (1, 0) else numpy.lib.format.read_array_header_2_0
            )
            shape, by_columns, dtype = read(stream)
            if dtype.hasobject:
                raise ValueError("it holds Python objects, which are not loaded")
            known = (dtype, shape, by_columns)
            if len(_KNOWN_HEADS) < _MOST_HEADS:
                _KNOWN_HEADS[body[:begin]] = known
        dtype, shape, by_columns = known
        return numpy.frombuffer(body, dtype, offset=begin).reshape(shape, order="F" if by_columns else "C")
    except (ValueError, IndexError, struct.error) as error:
        raise RequestError(f"the body is no .npy file that can be read: {error}") from None


def read_npz(body: bytes) -> Any:
    """The arrays of a .npz file by their names; a single one alone."""
    try:
        with numpy.load(io.BytesIO(body), allow_pickle=False) as archive:
            found = {name: archive[name] for name in archive.files}
    except Exception as error:  # zipfile, zlib and numpy each have their own
        raise RequestError(f"the body is no .npz file that can be read: {type(error).__name__}") from None
    if not found:
        raise RequestError("the .npz file of the body holds no array")
    return next(iter(found.values())) if len(found) == 1 else found


def read_image(body: bytes) -> numpy.ndarray:
    """One picture as bytes, [1, height, width] in grey or [1, height, width, channels]."""
    try:
        from PIL import Image
    except ImportError:
        raise RequestError("this container cannot read images: it lacks the package pillow", 415) from None
    try:
        with Image.open(io.BytesIO(body)) as picture:
            flat = picture if picture.mode in ("L", "RGB", "RGBA") else picture.convert("RGB")
            return numpy.asarray(flat)[None]
    except Exception as error:  # every format has its own
        raise RequestError(f"the body is no image that can be read: {type(error).__name__}") from None


_READERS: dict[str, Callable[[bytes], Any]] = {
    kinds.JSON: read_json,
    kinds.JSON_LINES: read_json_lines,
    kinds.LIBSVM: read_libsvm,
    kinds.NPY: read_npy,
    kinds.NPZ: read_npz,
}
