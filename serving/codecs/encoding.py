"""From a handler's result to the body of an answer."""

import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy

from contract.refusal import RequestError
from serving.codecs import kinds


def encode(result: Any, accept: str, otherwise: str) -> tuple[bytes, str]:
    """A result in a format that the client accepts, and that format's content type."""
    kind = kinds.chosen(accept, otherwise)
    return _WRITERS[kind](result), kind


def plain(result: Any) -> Any:
    """A result as JSON knows it: arrays, tensors and numpy's numbers become lists and numbers."""
    if isinstance(result, numpy.ndarray | numpy.generic):
        return result.tolist()
    if isinstance(result, Mapping):
        return {str(name): plain(value) for name, value in result.items()}
    if isinstance(result, list | tuple):
        return [plain(value) for value in result]
    if hasattr(result, "detach") or hasattr(result, "numpy"):
        return array(result).tolist()
    return result


def array(result: Any) -> numpy.ndarray:
    """A result as an array: torch's tensors know no numpy while they track gradients or lie on a GPU."""
    if isinstance(result, numpy.ndarray):
        return result
    if hasattr(result, "detach"):
        return numpy.asarray(result.detach().cpu())
    return numpy.asarray(result)


def _json(result: Any) -> bytes:
    if isinstance(result, numpy.ndarray):
        return json.dumps(result.tolist()).encode()
    return json.dumps(plain(result)).encode()


def _json_lines(result: Any) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in _rows(result)).encode()


def _rows(result: Any) -> list[Any]:
    """One record's part each."""
    if isinstance(result, Mapping):
        columns = {name: plain(value) for name, value in result.items()}
        lengths = {len(value) if isinstance(value, list) else -1 for value in columns.values()}
        if len(lengths) == 1 and -1 not in lengths:
            return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        return [columns]
    values = plain(result)
    return values if isinstance(values, list) else [values]


def _csv(result: Any) -> bytes:
    if isinstance(result, Mapping):
        rows = [[value for cell in row.values() for value in _flat(cell)] for row in _rows(result)]
    else:
        rows = [_flat(row) for row in _rows(result)]
    return "".join(",".join(map(str, row)) + "\n" for row in rows).encode()


def _flat(value: Any) -> list[Any]:
    return [cell for part in value for cell in _flat(part)] if isinstance(value, list) else [value]


def _npy(result: Any) -> bytes:
    stream = io.BytesIO()
    if isinstance(result, Mapping):
        if len(result) != 1:
            raise RequestError(f"the answer has several arrays, {', '.join(result)}: accept {kinds.NPZ}", 406)
        result = next(iter(result.values()))
    numpy.save(stream, array(result), allow_pickle=False)
    return stream.getvalue()


def _npz(result: Any) -> bytes:
    stream = io.BytesIO()
    named = result if isinstance(result, Mapping) else {"predictions": result}
    arrays: dict[str, Any] = {str(name): array(value) for name, value in named.items()}
    numpy.savez(stream, **arrays)
    return stream.getvalue()


_WRITERS: dict[str, Callable[[Any], bytes]] = {
    kinds.JSON: _json,
    kinds.JSON_LINES: _json_lines,
    kinds.CSV: _csv,
    kinds.NPY: _npy,
    kinds.NPZ: _npz,
}
