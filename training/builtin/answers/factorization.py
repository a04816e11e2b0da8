"""What Factorization Machines answer: the score of each row, and of a classifier the label."""

from training.builtin.answers.formats import JSON, JSON_LINES, RECORDS, Body, model_file, predictions
from training.builtin.answers.rows import read_rows
from training.builtin.factorization import FILE, Machine, load, predicted

_FORMATS = (JSON, JSON_LINES, RECORDS)
"""In and out: the algorithm has no CSV."""


def model_fn(folder: str) -> tuple[Machine, str]:
    """Load what `train` has written."""
    return load(model_file(folder, FILE))


def transform_fn(model: tuple[Machine, str], body: Body, kind: str, accept: str) -> tuple[bytes, str]:
    """A row's score is its value, or the probability of 1."""
    machine, predictor = model
    scores = predicted(machine, predictor, read_rows(body, kind, len(machine.linear), reads=_FORMATS))
    said: list[dict[str, float]] = [{"score": float(score)} for score in scores]
    if predictor == "binary_classifier":
        said = [{**one, "predicted_label": int(one["score"] > 0.5)} for one in said]
    return predictions(said, accept, _FORMATS)
