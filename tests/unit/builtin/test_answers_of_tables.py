"""What the stand-ins for tables answer, in the formats of the developer guide, and which requests they refuse."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.refusal import RequestError
from serving.worker.loading import LoadError
from serving.worker.program import ProgramHandler
from tests.support.training.builtin_jobs import record, said, served, trained
from training.builtin.answers.rows import read_rows
from training.builtin.protobuf import packed, records

LINES, RECORDS = "application/jsonlines", "application/x-recordio-protobuf"
POINTS = "\n".join(f"{x % 2 * 10},{x % 2 * 10}" for x in range(30))
RISING = "\n".join(f"{2 * x + 1},{x},{x % 3}" for x in range(30))
TWO = "\n".join(f"{int(x > 15)},{x},{x % 3}" for x in range(30))
THREE = "\n".join(f"{x % 3},{x % 3 * 5},{x % 3}" for x in range(30))


@pytest.fixture(scope="module")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> ProgramHandler:
    table = ("text/csv;label_size=0", POINTS)
    folder = trained(tmp_path_factory.mktemp("kmeans"), "kmeans", {"k": "2", "feature_dim": "2"}, train=table)
    return served("kmeans", folder)


def learner(base: Path, kind: str, table: str, **more: str) -> ProgramHandler:
    given = {"predictor_type": kind, "wd": "0.0001", **more}
    return served("linear-learner", trained(base, "linear-learner", given, train=("text/csv", table)))


def dense(*rows: list[float]) -> dict[str, Any]:
    return {"instances": [{"features": row} for row in rows]}


def test_k_means_names_the_nearest_centre_and_its_distance(clusters: ProgramHandler) -> None:
    [near, far] = json.loads(said(clusters, dense([0, 0], [13, 14])).body)["predictions"]
    assert near["distance_to_cluster"] == pytest.approx(0) and far["distance_to_cluster"] == pytest.approx(5)
    assert {near["closest_cluster"], far["closest_cluster"]} == {0.0, 1.0}
    assert all(isinstance(one["closest_cluster"], float) for one in (near, far))


def test_an_answer_has_the_format_that_the_client_accepts(clusters: ProgramHandler) -> None:
    body = b"0,0\n10,10\n"
    [first, second] = json.loads(said(clusters, body, "text/csv").body)["predictions"]
    lines = said(clusters, body, "text/csv;label_size=0", LINES)
    assert lines.kind == LINES and [json.loads(line) for line in lines.body.splitlines()] == [first, second]
    assert not lines.body.endswith(b"\n"), "AssembleWith Line ends it"
    rows = said(clusters, body, "text/csv", "text/csv")
    assert rows.body.decode().splitlines() == [",".join(map(str, one.values())) for one in (first, second)]
    packed_rows = said(clusters, body, "text/csv", f"{RECORDS}, */*")
    assert packed_rows.kind == RECORDS
    assert packed_rows.body == b"".join(packed({k: [v] for k, v in one.items()}) for one in (first, second))


def test_a_record_is_written_as_it_is_read() -> None:
    """The field of labels (2), made that of features (1), is what the reader of requests finds."""
    data = packed({"values": [0.5, 2.0]})
    assert data[8] == 2 << 3 | 2
    [(tensor, _)] = records(data[:8] + bytes([1 << 3 | 2]) + data[9:])
    assert tensor.values.tolist() == [0.5, 2.0]
    long = packed({"score": [1.0] * 1000})
    assert len(long) % 4 == 0 and int.from_bytes(long[4:8], "little") > 4000


rows_of_numbers = st.lists(st.lists(st.floats(-1e6, 1e6, width=32), min_size=3, max_size=3), min_size=1, max_size=4)


@given(rows_of_numbers)
def test_a_row_is_the_same_in_every_format(rows: list[list[float]]) -> None:
    sparse = [
        {"keys": [place for place, value in enumerate(row) if value], "values": [value for value in row if value]}
        for row in rows
    ]
    told = [
        {"data": {"features": {**one, "shape": [3]}}} if one["keys"] else {"data": {"features": {"values": row}}}
        for one, row in zip(sparse, rows, strict=True)
    ]
    bodies = {
        "application/json": json.dumps(dense(*rows)).encode(),
        "application/json; charset=utf-8": json.dumps({"instances": told}).encode(),
        LINES: "\n".join(map(json.dumps, told)).encode(),
        "text/csv": "\n".join(",".join(map(repr, row)) for row in rows),
        RECORDS: b"".join(record(row) for row in rows),
        f"{RECORDS};": b"".join(
            record(one["values"], keys=[int(key) for key in one["keys"]], width=3) for one in sparse
        ),
    }
    for kind, body in bodies.items():
        assert read_rows(body, kind, 3).tolist() == rows, kind


@pytest.mark.parametrize(
    ("kind", "body", "status", "problem"),
    [
        ("text/plain", b"1,2", 415, "the content type 'text/plain' is not read here; known: application/json"),
        ("text/csv", b"", 400, "the body has no rows"),
        ("text/csv", b"1,2,3", 400, "line 1 has 3 values, and the model takes 2 features"),
        ("text/csv", b"1,2\n1,x", 400, "line 2, column 2 is no number: 'x'"),
        ("text/csv", b"\xff", 400, "the body is no text: byte 0 is not UTF-8"),
        (LINES, b"\n", 400, "the body has no line with a record"),
        (LINES, b'{"features": [1, 2]}\n{', 400, "line 2 is no JSON: "),
        (RECORDS, b"", 400, "the body has no records"),
        (RECORDS, b"\0" * 9, 400, "the body is no RecordIO that can be read: there is no whole RecordIO frame"),
        (RECORDS, record([1, 2, 3]), 400, "record 1 has 3 features, and the model takes 2"),
        (RECORDS, record([1], keys=[5], width=2), 400, "record 1 has values and keys that do not fit its shape"),
        ("application/json", b"{", 400, "the body is no JSON: "),
        ("application/json", b"[[1, 2]]", 400, "the body is no object with a list of instances"),
        ("application/json", b'{"instances": []}', 400, "and one at least"),
        ("application/json", b'{"instances": [[1, 2]]}', 400, 'instance 1 has no features; it is {"features": [...]}'),
        ("application/json", b'{"instances": [{"data": 3}]}', 400, "instance 1 has no features"),
        ("application/json", b'{"instances": [{"features": [1]}]}', 400, "has 1 features, and the model takes 2"),
        ("application/json", b'{"instances": [{"features": [1, "2"]}]}', 400, "values are no list of numbers"),
        ("application/json", b'{"instances": [{"features": [1, true]}]}', 400, "values are no list of numbers"),
        (
            "application/json",
            b'{"instances": [{"features": {"keys": [1], "values": [1], "shape": [3]}}]}',
            400,
            "instance 1 has keys and the shape [3], and the model takes 2 features: [2]",
        ),
        (
            "application/json",
            b'{"instances": [{"features": {"keys": [1, 1], "values": [1, 2], "shape": [2]}}]}',
            400,
            "instance 1: keys are 2 different whole numbers from 0 to 1, as values",
        ),
    ],
)
def test_what_is_wrong_with_a_request_is_said(
    clusters: ProgramHandler, kind: str, body: bytes, status: int, problem: str
) -> None:
    with pytest.raises(RequestError) as raised:
        said(clusters, body, kind)
    assert problem in str(raised.value) and raised.value.status == status


def test_a_format_that_the_algorithm_does_not_write_is_406(tmp_path: Path) -> None:
    handler = learner(tmp_path, "regressor", RISING)
    with pytest.raises(RequestError, match="no answer is made as 'text/csv'; known: application/json") as raised:
        said(handler, dense([1, 1]), accept="text/csv")
    assert raised.value.status == 406


def test_linear_learner_predicts_a_number(tmp_path: Path) -> None:
    handler = learner(tmp_path, "regressor", RISING)
    [one] = json.loads(said(handler, dense([20, 2])).body)["predictions"]
    assert one == {"score": pytest.approx(41, abs=0.1)}


def test_linear_learner_tells_two_classes_apart(tmp_path: Path) -> None:
    handler = learner(tmp_path, "binary_classifier", TWO)
    [low, high] = json.loads(said(handler, dense([0, 0], [29, 0])).body)["predictions"]
    assert (low["predicted_label"], high["predicted_label"]) == (0, 1) and low["score"] < 0.5 < high["score"]
    answer = said(handler, dense([0, 0]), accept=RECORDS).body
    assert b"predicted_label" in answer and b"score" in answer


def test_linear_learner_has_a_score_for_every_class_also_one_without_a_row(tmp_path: Path) -> None:
    handler = learner(tmp_path, "multiclass_classifier", THREE, num_classes="5")
    [one] = json.loads(said(handler, dense([10, 2])).body)["predictions"]
    assert one["predicted_label"] == 2 and len(one["score"]) == 5 and math.fsum(one["score"]) == pytest.approx(1)
    assert one["score"][3:] == [0, 0]


@pytest.mark.parametrize("kind", ["regressor", "binary_classifier"])
def test_factorization_machines_score_sparse_rows_and_read_no_csv(tmp_path: Path, kind: str) -> None:
    pairs = [(a, b) for a in range(2) for b in range(2, 4)] * 12
    table = "\n".join(f"{(a + b) % 2} {a}:1 {b}:1" for a, b in pairs)
    given = {"predictor_type": kind, "feature_dim": "4", "num_factors": "2", "epochs": "200", "mini_batch_size": "16"}
    given |= {"factors_lr": "0.3", "linear_lr": "0.01", "factors_init_sigma": "0.3"}
    folder = trained(tmp_path, "factorization-machines", given, train=("text/libsvm", table))
    handler = served("factorization-machines", folder)
    asked = [{"data": {"features": {"keys": [0, b], "shape": [4], "values": [1, 1]}}} for b in (2, 3)]
    even, odd = json.loads(said(handler, {"instances": asked}).body)["predictions"]
    assert even["score"] < 0.5 < odd["score"]
    labels = [one.get("predicted_label") for one in (even, odd)]
    assert labels == ([0, 1] if kind == "binary_classifier" else [None, None])
    with pytest.raises(RequestError, match="'text/csv' is not read here") as raised:
        said(handler, b"1,0,1,0", "text/csv")
    assert raised.value.status == 415


def test_a_model_of_something_else_is_not_served(tmp_path: Path) -> None:
    (tmp_path / "model_algo-1").write_bytes(b"")
    with pytest.raises(LoadError, match=r"^the model has no file kmeans\.joblib \(model_algo-1\): the stand-in serves"):
        served("kmeans", tmp_path)
