"""Rows of features, dense or sparse, in the request formats that the algorithms for tables have in common."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from contract.refusal import RequestError
from training.builtin.answers.formats import (
    CSV,
    JSON,
    JSON_LINES,
    RECORDS,
    Body,
    instances,
    known,
    parsed,
    parsed_lines,
    text_of,
)
from training.builtin.job import Matrix
from training.builtin.protobuf import DamagedRecord, records, to_matrix

_FORM = '{"features": [...]} or {"data": {"features": {"values": [...]}}}'


def read_rows(body: Body, kind: str, width: int, *, reads: Sequence[str] = (JSON, JSON_LINES, CSV, RECORDS)) -> Matrix:
    """A request's rows, each as wide as the model takes them; a value that is missing is 0, as in training."""
    found = known(kind, reads)
    if found == CSV:
        matrix = _csv(text_of(body), width)
    elif found == RECORDS:
        matrix = _records(body if isinstance(body, bytes) else body.encode(), width)
    else:
        named = instances(parsed(body)) if found == JSON else parsed_lines(body)
        matrix = np.array([_row(one, where, width) for where, one in named])
    return np.nan_to_num(matrix)


def _csv(text: str, width: int) -> Matrix:
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        cells = line.split(",")
        if len(cells) != width:
            raise RequestError(f"line {number} has {len(cells)} values, and the model takes {width} features")
        rows.append([_cell(cell, number, column) for column, cell in enumerate(cells, start=1)])
    if not rows:
        raise RequestError("the body has no rows")
    return np.array(rows)


def _cell(cell: str, line: int, column: int) -> float:
    try:
        return float(cell) if cell.strip() else np.nan
    except ValueError:
        raise RequestError(f"line {line}, column {column} is no number: {cell[:40]!r}") from None


def _records(body: bytes, width: int) -> Matrix:
    try:
        found = [tensor for tensor, _ in records(body)]
        for number, tensor in enumerate(found, start=1):
            if tensor.width != width:
                raise RequestError(f"record {number} has {tensor.width} features, and the model takes {width}")
        matrix = to_matrix(found) if found else None
    except DamagedRecord as error:
        raise RequestError(f"the body is no RecordIO that can be read: {error}") from None
    if matrix is None:
        raise RequestError("the body has no records")
    return matrix


def _row(instance: Any, where: str, width: int) -> Matrix:
    holder = instance.get("data", instance) if isinstance(instance, dict) else None
    features = holder.get("features") if isinstance(holder, dict) else None
    if features is None:
        raise RequestError(f"{where} has no features; it is {_FORM}")
    told = features if isinstance(features, dict) else {"values": features}
    values = _numbers(told.get("values"), f"{where}: values")
    if not told.get("keys"):
        if len(values) != width:
            raise RequestError(f"{where} has {len(values)} features, and the model takes {width}")
        return values
    return _sparse(values, told, where, width)


def _sparse(values: Matrix, told: dict[str, Any], where: str, width: int) -> Matrix:
    keys, shape = told["keys"], told.get("shape")
    if shape != [width]:
        raise RequestError(f"{where} has keys and the shape {shape}, and the model takes {width} features: [{width}]")
    is_whole = isinstance(keys, list) and all(isinstance(key, int) and 0 <= key < width for key in keys)
    if not is_whole or len(set(keys)) != len(values) or len(keys) != len(values):
        raise RequestError(f"{where}: keys are {len(values)} different whole numbers from 0 to {width - 1}, as values")
    row = np.zeros(width)
    row[keys] = values
    return row


def _numbers(values: Any, where: str) -> Matrix:
    if not isinstance(values, list) or not all(type(value) in (int, float) for value in values):
        raise RequestError(f"{where} are no list of numbers")
    try:
        return np.array(values, dtype=float)
    except OverflowError:
        raise RequestError(f"{where} hold a number that is too large") from None
