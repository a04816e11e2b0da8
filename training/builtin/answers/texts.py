"""What BlazingText's classifier answers: the likeliest labels of each text, and how likely they are."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from contract.refusal import Refused, RequestError
from training.builtin.answers.formats import (
    JSON,
    JSON_LINES,
    Body,
    instances,
    known,
    lines,
    model_file,
    parsed,
    parsed_lines,
)
from training.builtin.fasttext_file import Unreadable, Vectors, read
from training.builtin.texts import FILE, hidden_of, plain, rows_of, shares_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Classifier:
    """A model with the places of its words."""

    vectors: Vectors
    places: Mapping[str, int]
    labels: list[str]


def model_fn(folder: str) -> Classifier:
    """Load a model of the stand-in's, of BlazingText's or of fastText's."""
    try:
        vectors = read(model_file(folder, FILE))
    except Unreadable as error:
        raise Refused(f"{FILE} cannot be served: {error}") from error
    places = {word: place for place, word in enumerate(vectors.words)}
    return Classifier(vectors=vectors, places=places, labels=list(vectors.labels))


def transform_fn(model: Classifier, body: Body, kind: str, accept: str) -> tuple[bytes, str]:
    """An answer has the request's content type, whatever the client accepts."""
    if known(kind, (JSON, JSON_LINES)) == JSON_LINES:
        return lines([_of_line(model, where, one) for where, one in parsed_lines(body)]), JSON_LINES
    request = parsed(body)
    named = instances(request)
    configuration = request.get("configuration", {})
    if not isinstance(configuration, dict):
        raise RequestError('configuration is no object, such as {"k": 2}')
    count = _count(configuration.get("k", 1), "configuration.k")
    return json.dumps([_said(model, where, one, count) for where, one in named]).encode(), JSON


def _of_line(model: Classifier, where: str, record: Any) -> dict[str, Any]:
    if not isinstance(record, dict) or "source" not in record:
        raise RequestError(f'{where} has no source; it is {{"source": TEXT}}, and may have k')
    return _said(model, f"{where}: source", record["source"], _count(record.get("k", 1), f"{where}: k"))


def _count(given: Any, where: str) -> int:
    if type(given) is not int or given < 1:
        raise RequestError(f"{where} is {given!r}, and must be a whole number from 1")
    return given


def _said(model: Classifier, where: str, text: Any, count: int) -> dict[str, Any]:
    """A text with no known word, not even its end, is said nothing of."""
    if not isinstance(text, str):
        raise RequestError(f"{where} is no text")
    words, _ = plain(text)
    rows = rows_of(model.vectors, model.places, words)
    if not len(rows):
        return {"label": [], "prob": []}
    hidden, _, _ = hidden_of(model.vectors, [rows])
    likely = shares_of(hidden @ model.vectors.outputs.T)[0]
    best = np.argsort(-likely, kind="stable")[:count]
    return {"label": [model.labels[place] for place in best], "prob": [float(likely[place]) for place in best]}
