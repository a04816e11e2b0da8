"""What a classifier got right and wrong: metrics as the Model Registry reads them, and a confusion picture."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy

from training.processing import pictures

_CELL = 16
"""Pixels per cell of the picture."""


def confusion(truth: numpy.ndarray, predicted: numpy.ndarray, labels: int) -> numpy.ndarray:
    """How often each label (rows) was taken for each (columns)."""
    if truth.shape != predicted.shape or truth.size == 0:
        raise ValueError(f"{truth.shape} labels and {predicted.shape} predictions do not match, or there are none")
    return numpy.bincount(truth * labels + predicted, minlength=labels * labels).reshape(labels, labels)


def metrics(matrix: numpy.ndarray) -> dict[str, Any]:
    """Accuracy, and precision, recall and F1 per label and as plain means over the labels that occur."""
    right = numpy.diag(matrix).astype(float)
    there, said = matrix.sum(axis=1), matrix.sum(axis=0)
    recall = numpy.divide(right, there, out=numpy.zeros_like(right), where=there > 0)
    precision = numpy.divide(right, said, out=numpy.zeros_like(right), where=said > 0)
    both = precision + recall
    f1 = numpy.divide(2 * precision * recall, both, out=numpy.zeros_like(right), where=both > 0)
    occurs = there > 0
    each = {
        str(label): {"precision": float(precision[label]), "recall": float(recall[label]), "f1": float(f1[label])}
        for label in numpy.flatnonzero(occurs)
    }
    return {
        "accuracy": float(right.sum() / matrix.sum()),
        "macro_precision": float(precision[occurs].mean()),
        "macro_recall": float(recall[occurs].mean()),
        "macro_f1": float(f1[occurs].mean()),
        "weighted_f1": float((f1 * there).sum() / there.sum()),
        "samples": int(matrix.sum()),
        "by_label": each,
    }


def write(folder: Path, matrix: numpy.ndarray, about: Mapping[str, Any]) -> dict[str, Any]:
    """Write `evaluation.json`, which a model package's ModelQuality names, and `confusion.png`."""
    found = metrics(matrix)
    names = [str(label) for label in range(len(matrix))]
    # The format that SageMaker shows beside a model package: multiclass_classification_metrics
    table = {row: {column: int(matrix[int(row), int(column)]) for column in names} for row in names}
    quality = {
        "confusion_matrix": table,
        "accuracy": {"value": found["accuracy"], "standard_deviation": "NaN"},
        "weighted_f1": {"value": found["weighted_f1"], "standard_deviation": "NaN"},
    }
    report = {"multiclass_classification_metrics": quality, "metrics": found, "about": dict(about)}
    (folder / "evaluation.json").write_text(json.dumps(report, indent=1, sort_keys=True) + "\n")
    pictures.write_png(folder / "confusion.png", picture(matrix))
    return found


def picture(matrix: numpy.ndarray) -> numpy.ndarray:
    """One cell per pair: blue for what is right, red for what is wrong, darker for a larger share of its row."""
    share = matrix / numpy.maximum(matrix.sum(axis=1, keepdims=True), 1)
    cells = numpy.full((*matrix.shape, 3), 255.0)
    right = numpy.eye(len(matrix), dtype=bool)
    fade = numpy.sqrt(share)[..., None] * 255
    cells -= numpy.where(right[..., None], fade * [1.0, 0.6, 0.2], fade * [0.1, 1.0, 1.0])
    large = numpy.clip(cells, 0, 255).astype(numpy.uint8).repeat(_CELL, axis=0).repeat(_CELL, axis=1)
    large[::_CELL] = large[:, ::_CELL] = 200
    return large
