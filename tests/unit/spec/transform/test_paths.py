"""The subset of JSONPath, by the developer guide's own examples."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardyard.spec.transform.paths import PathError, parse

_ROW = ["a", "b", "c", "d", "e", "f"]
_OBJECT = {"id": 7, "features": [1, 2, 3], "SageMakerOutput": {"label": 1}, "in": {"x": 1, "y": 2}}


@pytest.mark.parametrize(
    ("path", "value", "kept"),
    [
        ("$", _ROW, _ROW),
        ("$[1]", _ROW, "b"),
        ("$[-1]", _ROW, "f"),
        ("$[1,3,5]", _ROW, ["b", "d", "f"]),
        ("$[0,-1]", _ROW, ["a", "f"]),
        ("$[2:]", _ROW, ["c", "d", "e", "f"]),
        ("$[0,4:]", _ROW, ["a", "e", "f"]),
        ("$[*]", _ROW, _ROW),
        ("$.id", _OBJECT, 7),
        ("$['id']", _OBJECT, 7),
        ("$['id','SageMakerOutput']", _OBJECT, {"id": 7, "SageMakerOutput": {"label": 1}}),
        ("$.in.*", _OBJECT, [1, 2]),
        ("$.in.['x','y']", _OBJECT, {"x": 1, "y": 2}),
        ("$.features[0]", _OBJECT, 1),
        ("$.SageMakerOutput.label", _OBJECT, 1),
    ],
)
def test_what_a_filter_keeps(path: str, value: Any, kept: Any) -> None:
    assert parse(path).select(value) == kept


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("id", "does not begin with"),
        ("$..id", "at letter 2"),
        ("$[?(@.a>1)]", "at letter 2"),
        ("$.a[", "at letter 4"),
        ("$['a.b','c'", "at letter 2"),
        ("$.a b", "at letter 4"),
    ],
)
def test_what_is_outside_the_subset_is_told(path: str, said: str) -> None:
    with pytest.raises(PathError, match=said):
        parse(path)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("$[6]", _ROW, "asks for position 6, and there are 6, counted from 0"),
        ("$[0,-7]", _ROW, "asks for position -7"),
        ("$.lable", _OBJECT, "asks for 'lable', and the record has 'id', 'features', 'SageMakerOutput', 'in'"),
        ("$.id", _ROW, "asks an array for 'id', which only an object has"),
        ("$[0]", _OBJECT, "asks an object for positions"),
        ("$.id[0]", _OBJECT, "asks a number for positions"),
    ],
)
def test_what_a_record_lacks_is_told(path: str, value: Any, said: str) -> None:
    with pytest.raises(PathError, match=said.replace("[", r"\[")):
        parse(path).select(value)


@pytest.mark.parametrize(("path", "is_ambiguous"), [("$[1:4]", True), ("$[:5]", True), ("$[1:]", False), ("$", False)])
def test_a_slice_with_an_end_is_ambiguous(path: str, is_ambiguous: bool) -> None:
    assert parse(path).is_ambiguous == is_ambiguous


@pytest.mark.parametrize(
    ("path", "selects"), [("$", True), ("$[0,2:]", True), ("$[*]", True), ("$.id", False), ("$[0].a", False)]
)
def test_only_positions_fit_csv(path: str, selects: bool) -> None:
    assert parse(path).selects_columns == selects


@given(row=st.lists(st.text(max_size=3), min_size=1), data=st.data())
def test_an_index_and_the_rest_are_the_whole_row(row: list[str], data: st.DataObject) -> None:
    cut = data.draw(st.integers(min_value=0, max_value=len(row) - 1))
    first = [str(number) for number in range(cut)]
    path = f"$[{','.join([*first, f'{cut}:'])}]"
    assert parse(path).columns(row) == row
