"""What K-Means answers: which centre is the nearest to each row, and how far it is."""

from typing import Any

import joblib

from training.builtin.answers.formats import CSV, JSON, JSON_LINES, RECORDS, Body, model_file, predictions
from training.builtin.answers.rows import read_rows
from training.builtin.clusters import FILE

_MADE = (JSON, JSON_LINES, RECORDS, CSV)


def model_fn(folder: str) -> Any:
    """Load what `train` has written."""
    return joblib.load(model_file(folder, FILE))


def transform_fn(model: Any, body: Body, kind: str, accept: str) -> tuple[bytes, str]:
    """Both are numbers with a point, as the algorithm writes them."""
    distances = model.transform(read_rows(body, kind, model.n_features_in_))
    said = [{"closest_cluster": float(row.argmin()), "distance_to_cluster": float(row.min())} for row in distances]
    return predictions(said, accept, _MADE)
