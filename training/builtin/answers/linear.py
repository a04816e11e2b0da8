"""What Linear Learner answers: the score of each row, and of a classifier the label."""

import json
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np

from training.builtin.answers.formats import JSON, JSON_LINES, RECORDS, Body, model_file, predictions
from training.builtin.answers.rows import read_rows
from training.builtin.job import Matrix
from training.builtin.linear import ABOUT, FILE

_MADE = (JSON, JSON_LINES, RECORDS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Learner:
    """A model, and what it was trained for."""

    pipeline: Any
    kind: str
    classes: int


def model_fn(folder: str) -> Learner:
    """Load what `train` has written."""
    about = json.loads(model_file(folder, ABOUT).read_text())
    pipeline = joblib.load(model_file(folder, FILE))
    return Learner(pipeline=pipeline, kind=about["predictor_type"], classes=about["num_classes"])


def transform_fn(model: Learner, body: Body, kind: str, accept: str) -> tuple[bytes, str]:
    """A row's score is its value, the probability of 1, or the probability of each class."""
    rows = read_rows(body, kind, model.pipeline.n_features_in_)
    return predictions(_said(model, rows), accept, _MADE)


def _said(model: Learner, rows: Matrix) -> list[dict[str, Any]]:
    if model.kind == "regressor":
        return [{"score": float(value)} for value in model.pipeline.predict(rows)]
    likely = np.zeros((len(rows), model.classes))
    likely[:, model.pipeline.classes_.astype(int)] = model.pipeline.predict_proba(rows)
    labels = likely.argmax(axis=1).tolist()
    scores = likely[:, 1].tolist() if model.kind == "binary_classifier" else likely.tolist()
    return [{"score": score, "predicted_label": label} for score, label in zip(scores, labels, strict=True)]
