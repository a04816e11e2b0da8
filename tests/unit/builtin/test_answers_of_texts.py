"""What the stand-in for BlazingText answers, and which requests and models it refuses."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from contract.refusal import RequestError
from serving.worker.loading import LoadError
from serving.worker.program import ProgramHandler
from tests.support.training.builtin_jobs import said, served, trained
from training.builtin.fasttext_file import read

LINES = "application/jsonlines"
TEXTS = "\n".join(f"__label__{label} the {word} is here" for label, word in (("a", "sun"), ("b", "rain")) * 40)
TEXTS += "\n__label__c nothing to say"
SMALL = {"mode": "supervised", "vector_dim": "8", "min_count": "1", "epochs": "20", "learning_rate": "0.3"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("texts"), "blazingtext", SMALL, train=("text/plain", TEXTS))


@pytest.fixture(scope="module")
def handler(folder: Path) -> ProgramHandler:
    return served("blazingtext", folder)


def test_each_text_has_its_likeliest_label(handler: ProgramHandler) -> None:
    answer = json.loads(said(handler, {"instances": ["the sun", "the rain"]}).body)
    assert [one["label"] for one in answer] == [["__label__a"], ["__label__b"]]
    assert all(0.5 < one["prob"][0] <= 1 for one in answer)


def test_k_labels_are_said_the_likeliest_first_and_no_more_than_there_are(handler: ProgramHandler) -> None:
    body = {"instances": ["the sun"], "configuration": {"k": 9}}
    [one] = json.loads(said(handler, body).body)
    assert one["label"][0] == "__label__a" and sorted(one["label"]) == ["__label__a", "__label__b", "__label__c"]
    assert one["prob"] == sorted(one["prob"], reverse=True) and math.fsum(one["prob"]) == pytest.approx(1)


def test_lines_are_answered_by_lines_each_with_a_k_of_its_own(handler: ProgramHandler) -> None:
    body = b'{"source": "the rain"}\n{"source": "the sun", "k": 2}\n'
    answer = said(handler, body, LINES, accept="application/json")
    assert answer.kind == LINES, "Accept is ignored where it differs"
    first, second = map(json.loads, answer.body.splitlines())
    assert first["label"] == ["__label__b"] and second["label"][0] == "__label__a" and len(second["prob"]) == 2


def test_the_model_is_read_as_it_was_written(folder: Path, tmp_path: Path) -> None:
    model = read(folder / "model.bin")
    assert list(model.labels) == ["__label__a", "__label__b", "__label__c"] and model.words["the"] == 80
    assert model.inputs.shape == (len(model.words) + model.buckets, 8) and model.ngrams == 2


def test_a_text_of_which_nothing_is_known_has_no_label(tmp_path: Path) -> None:
    table = "\n".join(["__label__a x", "__label__b y"] * 3)
    given = SMALL | {"min_count": "9", "word_ngrams": "1"}
    answer = said(
        served("blazingtext", trained(tmp_path, "blazingtext", given, train=("text/plain", table))),
        {"instances": ["z"]},
    )
    assert json.loads(answer.body) == [{"label": [], "prob": []}]


@pytest.mark.parametrize(
    ("kind", "body", "problem"),
    [
        ("text/csv", b"the sun", "the content type 'text/csv' is not read here; known: application/json, application"),
        ("application/json", {"instances": [["the", "sun"]]}, "instance 1 is no text"),
        ("application/json", {"source": "the sun"}, "the body is no object with a list of instances"),
        ("application/json", {"instances": ["x"], "configuration": {"k": 0}}, "configuration.k is 0, and must be"),
        ("application/json", {"instances": ["x"], "configuration": 3}, "configuration is no object"),
        (LINES, b'{"text": "x"}', 'line 1 has no source; it is {"source": TEXT}, and may have k'),
        (LINES, b'{"source": "x"}\n{"source": 3}', "line 2: source is no text"),
        (LINES, b'{"source": "x", "k": true}', "line 1: k is True, and must be a whole number from 1"),
    ],
)
def test_what_is_wrong_with_a_request_is_said(handler: ProgramHandler, kind: str, body: Any, problem: str) -> None:
    with pytest.raises(RequestError) as raised:
        said(handler, body, kind)
    assert problem in str(raised.value)


@pytest.mark.parametrize(
    ("place", "value", "problem"),
    [
        (0, b"\0", "it is no model of fastText's version 12"),
        (8 + 4 * 6, b"\x01", "it is no classifier with a softmax"),
        (8 + 4 * 10, b"\x06", "it has subwords, or has been quantized"),
    ],
)
def test_a_model_of_another_kind_is_not_served(
    folder: Path, tmp_path: Path, place: int, value: bytes, problem: str
) -> None:
    data = (folder / "model.bin").read_bytes()
    (tmp_path / "model.bin").write_bytes(data[:place] + value + data[place + 1 :])
    with pytest.raises(LoadError, match=f"model.bin cannot be served: {problem}"):
        served("blazingtext", tmp_path)


@pytest.mark.parametrize("kept", [10, 70, 200, -1])
def test_a_damaged_model_is_not_served(folder: Path, tmp_path: Path, kept: int) -> None:
    (tmp_path / "model.bin").write_bytes((folder / "model.bin").read_bytes()[:kept])
    with pytest.raises(LoadError, match=r"model\.bin cannot be served: it is damaged"):
        served("blazingtext", tmp_path)
