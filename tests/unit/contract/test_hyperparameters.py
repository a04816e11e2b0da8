"""Hyperparameters as text: what the request writes, the launcher reads back, whoever wrote it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.hyperparameters import Written, as_switch, decode, decode_all, encode, encode_all

SCALARS = st.one_of(st.text(), st.integers(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False))


def test_types_are_restored() -> None:
    text = {"a": "1", "b": "1e-3", "c": "true", "d": '"adam"', "e": "adam", "f": "[1, 2]", "g": "007", "h": "null"}
    assert decode_all(text) == {
        "a": 1, "b": 0.001, "c": True, "d": "adam", "e": "adam", "f": [1, 2], "g": "007", "h": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    "text", ["12e4567", "-12e4567", "NaN", "Infinity", "-Infinity", "[1, 1e999]", '{"a": NaN}', "1_000", ".5", "5."]
)
def test_text_that_is_no_finite_number_stays_text(text: str) -> None:
    """A git hash may look like a number that is far too large."""
    assert decode_all({"a": text}) == {"a": text}


def test_text_of_many_brackets_stays_text() -> None:
    assert decode_all({"a": "[" * 2000}) == {"a": "[" * 2000}


@pytest.mark.parametrize(
    "value", [1, -2.5, 1e-30, True, False, "", "text", "1", "true", "null", "NaN", "12e4567", '"x"', "a'b\n$(x)"]
)
def test_what_a_job_file_gives_is_read_back_with_its_type(value: Any) -> None:
    read = decode(encode(value))
    assert read == value
    assert type(read) is (Written if type(value) is float else type(value))


@given(values=st.dictionaries(st.text(), SCALARS))
def test_any_table_is_read_back(values: dict[str, Any]) -> None:
    assert decode_all(encode_all(values)) == values


@given(value=SCALARS)
def test_what_the_sdk_writes_means_the_same(value: Any) -> None:
    """The SageMaker SDK writes every value as JSON, text among them."""
    assert decode(json.dumps(value)) == decode(encode(value)) == value


@pytest.mark.parametrize(
    ("given", "expected"), [(True, True), ("true", True), ("False", False), (1, None), (None, None), ("yes", None)]
)
def test_a_switch_is_a_boolean_or_its_name(given: Any, expected: bool | None) -> None:
    assert as_switch(given) is expected
