"""From columns to numbers: what is learnt of the training rows is done to any others."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from training.automl.table import Column, Table, date, number

Matrix = NDArray[Any]
_DATE_PARTS = 4


def raw_matrix(columns: Sequence[Column]) -> Matrix:
    """The usable columns as objects: numbers, texts and the parts of dates, with NaN or None where one is missing."""
    parts = [part for column in columns for part in _parts(column)]
    matrix = np.empty((len(parts[0]), len(parts)), dtype=object)
    for index, part in enumerate(parts):
        matrix[:, index] = part
    return matrix


def transformer(columns: Sequence[Column]) -> ColumnTransformer:
    """What makes numbers of that matrix: gaps are filled and marked, categories become columns of their own."""
    numbers: list[int] = []
    categories: list[int] = []
    place = 0
    for column in columns:
        width = len(_parts(column)) if column.kind in ("number", "category", "date") else 0
        (categories if column.kind == "category" else numbers).extend(range(place, place + width))
        place += width
    filled = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    coded = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="(missing)", missing_values=None),
        OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=30, sparse_output=False),
    )
    return ColumnTransformer([("numbers", filled, numbers), ("categories", coded, categories)], sparse_threshold=0)


def names(columns: Sequence[Column]) -> list[str]:
    """The column that each of the matrix's columns comes from."""
    return [column.name for column in columns for _ in _parts(column)]


def targets(table: Table) -> Matrix:
    """The values to predict: numbers, or the classes as they are written."""
    if table.problem == "regression":
        return np.array([number(value) for value in table.target.values], dtype=float)
    return np.array([str(value) for value in table.target.values])


def _parts(column: Column) -> list[list[Any]]:
    if column.kind == "number":
        return [[np.nan if (value := number(text)) is None else value for text in column.values]]
    if column.kind == "category":
        return [list(column.values)]
    if column.kind != "date":
        return []
    found = [date(text) for text in column.values]
    rows = [
        [np.nan] * _DATE_PARTS if one is None else [one.toordinal(), one.month, one.weekday(), one.hour]
        for one in found
    ]
    return [[row[part] for row in rows] for part in range(_DATE_PARTS)]
