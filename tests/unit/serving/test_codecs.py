"""What comes in as bytes is an array, and what is wrong with it is told with its place."""

import io
import json
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra import numpy as arrays

from contract.refusal import RequestError
from serving.codecs import kinds
from serving.codecs.decoding import decode
from serving.codecs.encoding import encode

TABLE = arrays.arrays(
    numpy.float64, some.tuples(some.integers(1, 5), some.integers(1, 6)), elements=some.floats(-1e6, 1e6)
)


def npy(value: numpy.ndarray) -> bytes:
    stream = io.BytesIO()
    numpy.save(stream, value)
    return stream.getvalue()


@given(TABLE)
def test_every_format_gives_back_what_it_was_given(table: numpy.ndarray) -> None:
    for kind in (kinds.JSON, kinds.JSON_LINES, kinds.CSV, kinds.NPY, kinds.NPZ):
        body, named = encode(table, kind, kinds.JSON)
        assert named == kind
        numpy.testing.assert_array_equal(decode(body, kind), table, err_msg=kind)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f4", ">i8", "u1", "?"])
def test_npy_of_any_order_and_type_is_read_from_its_head(dtype: str, order: Any) -> None:
    given_array = numpy.asarray(numpy.arange(24).reshape(2, 3, 4) % 2, dtype=dtype, order=order)
    for _ in range(2):  # the second time its head is known
        found = decode(npy(given_array), kinds.NPY)
        assert found.dtype == given_array.dtype
        numpy.testing.assert_array_equal(found, given_array)


@pytest.mark.parametrize(
    "kind, body, said",
    [
        ("application/json", b'{"a": 1,, }', "line 1, column 9"),
        ("application/json", b"[[1, 2], [3]]", "row 1 has 2 values, row 2 has 1"),
        ("application/json", b"\xff", "byte 0 is not UTF-8"),
        ("application/json", b"[null]", "no array of numbers"),
        ("application/json", b"", "the body is empty"),
        ("text/csv", b"1,2\n3,x\n", "line 2, column 2 is no number: 'x'"),
        ("text/csv; header=present", b"a,b\n3,x\n", "line 2, column 2 is no number: 'x'"),
        ("text/csv", b"1,2\n3\n", "line 2 has 1 values and the lines before it have 2"),
        ("text/csv", b"\n\n", "no rows"),
        ("application/jsonlines", b"[1]\n[2\n", "line 2 is no JSON"),
        ("application/json", b"[" * 100_000, "too deep in each other"),
        ("application/json", b"[" + b"9" * 5000 + b"]", "a number has too many digits"),
        ("application/json", b"[1.5, " + b"9" * 400 + b"]", "no array of numbers"),
        ("application/jsonlines", b"[" * 100_000, "line 1 is no JSON"),
        ("text/libsvm", b"1 0:1 x:2\n", "line 1: 'x:2' is no COLUMN:VALUE"),
        ("text/libsvm", b"1 0:1\n2 3\n", "line 2: '3' is no COLUMN:VALUE"),
        ("text/libsvm", b"0:1 1:y\n", "line 1: 'y' is no number"),
        ("text/libsvm", b"0:1 99999999:1\n", "a column from 0 to 1048575"),
        ("text/libsvm", b"# nothing\n", "no rows"),
        ("application/x-npy", b"\x93NUMPY", "no .npy file"),
        ("application/x-npy", b"PK", "it does not begin as one"),
        ("application/x-npz", b"PK", "no .npz file"),
    ],
)
def test_a_body_that_cannot_be_read_is_told_with_its_place(kind: str, body: bytes, said: str) -> None:
    with pytest.raises(RequestError) as raised:
        decode(body, kind)
    assert said in str(raised.value)
    assert raised.value.status == 400


def test_objects_in_npy_are_not_loaded() -> None:
    stream = io.BytesIO()
    numpy.save(stream, numpy.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(RequestError, match="Python objects"):
        decode(stream.getvalue(), kinds.NPY)


def test_npy_that_is_cut_short_is_refused() -> None:
    with pytest.raises(RequestError, match=r"no \.npy file"):
        decode(npy(numpy.zeros(8))[:-3], kinds.NPY)


def test_unknown_types_are_refused_with_those_that_are_known() -> None:
    with pytest.raises(RequestError, match="text/csv") as raised:
        decode(b"x", "application/pdf")
    assert raised.value.status == 415
    with pytest.raises(RequestError, match="application/json") as refused:
        encode([1], "application/pdf", kinds.JSON)
    assert refused.value.status == 406


def test_the_wrappers_of_other_servers_are_taken_off() -> None:
    for wrapper in ("instances", "inputs", "data"):
        assert decode(json.dumps({wrapper: [[1, 2]]}).encode(), "").tolist() == [[1, 2]]
    assert decode(b'{"inputs": [1]}\n{"inputs": [2]}\n', kinds.JSON_LINES).tolist() == [[1], [2]]


def test_named_columns_stay_named() -> None:
    found = decode(b'[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]', kinds.JSON)
    assert {name: value.tolist() for name, value in found.items()} == {"a": [1, 2], "b": ["x", "y"]}
    with pytest.raises(RequestError, match="row 2 has other names"):
        decode(b'[{"a": 1}, {"b": 2}]', kinds.JSON)


def test_answers_of_several_arrays() -> None:
    result = {"scores": numpy.array([[1, 2], [3, 4]]), "label": numpy.array([1, 0])}
    assert encode(result, kinds.CSV, kinds.JSON)[0] == b"1,2,1\n3,4,0\n"
    lines = [json.loads(line) for line in encode(result, kinds.JSON_LINES, kinds.JSON)[0].splitlines()]
    assert lines == [{"scores": [1, 2], "label": 1}, {"scores": [3, 4], "label": 0}]
    with pytest.raises(RequestError, match="x-npz"):
        encode(result, kinds.NPY, kinds.JSON)


def test_a_clients_preferences_are_followed_in_their_order() -> None:
    assert kinds.chosen("application/pdf, text/csv;q=0.5, */*", kinds.JSON) == kinds.CSV
    assert kinds.chosen("*/*", kinds.CSV) == kinds.CSV


@given(TABLE, some.booleans())
def test_rows_of_libsvm_are_read_with_and_without_their_labels(table: numpy.ndarray, has_labels: bool) -> None:
    lines = []
    for row in table.tolist():
        pairs = " ".join(f"{column}:{value!r}" for column, value in enumerate(row) if value)
        lines.append(f"{'1 ' if has_labels or not pairs else ''}{pairs} # a comment\n")
    rows = decode("".join(lines).encode(), "text/x-libsvm")
    numpy.testing.assert_array_equal(rows.dense(table.shape[1], missing=0.0), table)
    left_out = rows.dense(table.shape[1], missing=numpy.nan)
    numpy.testing.assert_array_equal(numpy.isnan(left_out), table == 0)


def test_a_column_that_the_model_lacks_is_refused() -> None:
    rows = decode(b"0:1 7:2", kinds.LIBSVM)
    with pytest.raises(RequestError, match="takes 7 columns, 0 to 6, and the request has 7"):
        rows.dense(7, missing=0.0)


def test_no_answer_is_made_as_libsvm() -> None:
    assert kinds.chosen("text/libsvm, text/csv", kinds.JSON) == kinds.CSV
    with pytest.raises(RequestError):
        kinds.chosen("text/libsvm", kinds.JSON)
