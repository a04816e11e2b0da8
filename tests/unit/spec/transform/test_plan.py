"""The way of an object through filter, container, join and filter."""

import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shardyard.spec.transform import columns
from shardyard.spec.transform.errors import TransformError
from shardyard.spec.transform.formats import read_row, write_row
from shardyard.spec.transform.paths import parse
from shardyard.spec.transform.plan import Plan, output_key, transform

_CELL = st.text(alphabet=st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs"]), max_size=6)
_TABLE = st.integers(min_value=1, max_value=5).flatmap(
    lambda width: st.lists(st.lists(_CELL, min_size=width, max_size=width), min_size=1, max_size=30)
)
_CSV = {"content_type": "text/csv", "accept": "text/csv", "split": "Line", "assemble": "Line"}
_JSON_LINES = {"content_type": "application/jsonlines", "accept": "application/jsonlines"} | {
    "split": "Line",
    "assemble": "Line",
}


def plan(**values: object) -> Plan:
    return Plan(**values)  # type: ignore[arg-type]


def counted(body: bytes) -> bytes:
    """A container that answers a line for each line: how many bytes it has."""
    return b"".join(b"%d\n" % len(line) for line in body.split(b"\n"))


@given(table=_TABLE, alone=st.booleans())
def test_a_joined_csv_holds_every_row_and_its_answer(table: list[list[str]], alone: bool) -> None:
    lines = [write_row(row) for row in table]
    if any(not line for line in lines):
        return  # an empty row has no column to find again
    made = transform(
        b"\n".join(lines),
        plan(**_CSV, join="Input", strategy="SingleRecord" if alone else "MultiRecord"),
        counted,
    )
    assert made.endswith(b"\n")
    out = [read_row(line, "test") for line in made.removesuffix(b"\n").split(b"\n")]
    assert out == [[*row, str(len(line))] for row, line in zip(table, lines, strict=True)]


@given(
    values=st.lists(st.one_of(st.integers(), st.text(), st.dictionaries(st.text(), st.integers()), st.none())),
    alone=st.booleans(),
)
def test_joined_json_lines_hold_every_record_and_its_answer(values: list[object], alone: bool) -> None:
    data = b"".join(json.dumps(value).encode() + b"\n" for value in values)
    strategy = "SingleRecord" if alone else "MultiRecord"
    made = transform(data, plan(**_JSON_LINES, join="Input", strategy=strategy), counted)
    out = [json.loads(line) for line in made.splitlines()]
    assert len(out) == len(values)
    for value, joined in zip(values, out, strict=True):
        answer = joined.pop("SageMakerOutput")
        assert answer == len(json.dumps(value).encode())
        kept = joined if isinstance(value, dict) else joined["SageMakerInput"]
        assert kept == (
            {k: v for k, v in value.items() if k != "SageMakerOutput"} if isinstance(value, dict) else value
        )


@given(
    lines=st.lists(st.binary(min_size=1, max_size=20).map(lambda line: line.replace(b"\n", b"-"))), alone=st.booleans()
)
def test_an_echo_without_filters_gives_the_lines_back(lines: list[bytes], alone: bool) -> None:
    data = b"".join(line + b"\n" for line in lines)
    echo = plan(split="Line", assemble="Line", strategy="SingleRecord" if alone else "MultiRecord")
    assert transform(data, echo, lambda body: body) == data


# The developer guide's examples (batch-transform-data-processing), to the byte


def test_documented_csv_join() -> None:
    assert transform(b"1,2,3\n", plan(**_CSV, join="Input"), lambda body: b"1") == b"1,2,3,1\n"


def test_documented_json_join() -> None:
    both = {"content_type": "application/json", "accept": "application/json", "join": "Input"}
    made = transform(b'{"key":1}', plan(**both), lambda body: b'{"label":1}')
    # The guide's result; keys in order, as published outputs have them
    assert made == b'{"SageMakerOutput":{"label":1},"key":1}'
    assert json.loads(made) == {"key": 1, "SageMakerOutput": {"label": 1}}


def test_documented_json_that_is_no_object() -> None:
    both = {"content_type": "application/json", "accept": "application/json", "join": "Input"}
    assert transform(b"[1, 2]", plan(**both), lambda body: b"5") == b'{"SageMakerInput":[1,2],"SageMakerOutput":5}'


def test_documented_csv_without_its_id_column() -> None:
    seen: list[bytes] = []
    made = transform(
        b"id1,1,2\nid2,3,4\n",
        plan(**_CSV, join="Input", input_filter="$[1:]", output_filter="$[0,-1]"),
        lambda body: seen.append(body) or b"0.5\n0.7\n",  # type: ignore[func-returns-value]
    )
    assert seen == [b"1,2\n3,4"]
    assert made == b"id1,0.5\nid2,0.7\n"


def test_documented_json_without_its_id() -> None:
    seen: list[bytes] = []
    filters = {"input_filter": "$.features", "output_filter": "$['id','SageMakerOutput']"}
    made = transform(
        b'{"id": 7, "features": [1, 2]}\n',
        plan(**_JSON_LINES, join="Input", **filters),
        lambda body: seen.append(body) or b'{"label": 1}',  # type: ignore[func-returns-value]
    )
    assert seen == [b"[1,2]"]
    assert made == b'{"SageMakerOutput":{"label":1},"id":7}\n'


def test_an_output_filter_without_a_join_is_of_the_answer() -> None:
    made = transform(b"1,2\n", plan(**_CSV, output_filter="$[0]"), lambda body: b"a,b")
    assert made == b"a\n"


def test_answers_are_joined_end_to_end_unless_lines_are_asked_for() -> None:
    binary = plan(split="Line", strategy="SingleRecord", assemble="None")
    assert transform(b"a\nb\n", binary, lambda body: body + body) == b"aabb"


def test_an_object_without_splitting_is_one_request() -> None:
    seen: list[bytes] = []
    transform(b"a\nb\n", plan(split="None"), lambda body: seen.append(body) or b"")  # type: ignore[func-returns-value]
    assert seen == [b"a\nb\n"]


@pytest.mark.parametrize(
    ("values", "data", "answer", "said"),
    [
        ({**_CSV, "join": "Input"}, b"1\n2\n", b"5\n", "answered 1 lines to 2 records"),
        ({**_CSV, "join": "Input"}, b"1\n", b'"5', "record 1: Failed to parse output from the algorithm as CSV"),
        ({**_CSV, "input_filter": "$[3]"}, b"1,2\n", b"", "record 1: .* asks for position 3, and there are 2"),
        ({**_JSON_LINES, "join": "Input"}, b"{}\n{\n", b"1\n2\n", "record 2: Failed to parse the input as JSON"),
        ({**_JSON_LINES, "join": "Input"}, b"{}\n", b"NaN", "NaN is no JSON value"),
        ({**_CSV, "input_filter": "$[0]"}, b"\xff\n", b"", "is not UTF-8 text at byte 0"),
    ],
)
def test_what_goes_wrong_names_the_record(values: dict[str, object], data: bytes, answer: bytes, said: str) -> None:
    with pytest.raises(TransformError, match=said):
        transform(data, plan(**values), lambda body: answer)


@pytest.mark.parametrize(
    ("prefix", "given", "key", "out"),
    [
        ("out/", "in/", "in/a/b.csv", "out/a/b.csv.out"),
        ("out", "in/a.csv", "in/a.csv", "out/a.csv.out"),
        ("", "in/", "in/a.csv", "a.csv.out"),
        ("out", "", "a.csv", "out/a.csv.out"),
    ],
)
def test_where_the_result_lies(prefix: str, given: str, key: str, out: str) -> None:
    assert output_key(prefix, given, key) == out


def test_a_request_is_read_with_its_defaults() -> None:
    request = {
        "TransformInput": {"SplitType": "Line"},
        "TransformOutput": {},
        "DataProcessing": {"JoinSource": "Input"},
    }
    read = Plan.of(request, "SingleRecord", 3)
    assert read == Plan(split="Line", strategy="SingleRecord", payload_mb=3, join="Input")
    assert read.processes
    assert not Plan().processes


@pytest.mark.parametrize(
    "path",
    [
        "$",
        "$[0]",
        "$[-1]",
        "$[1:]",
        "$[2:]",
        "$[-2:]",
        "$[:1]",
        "$[0,-1]",
        "$[0,1]",
        "$[-1,-2]",
        "$[1,-1]",
        "$[0,1:]",
        "$[*]",
    ],
)
@given(table=_TABLE)
def test_many_rows_at_a_time_are_what_one_by_one_would_be(path: str, table: list[list[str]]) -> None:
    lines, read = [write_row(row) for row in table], parse(path)
    assume(columns.are_plain(lines, b"\n".join(lines)))
    found = columns.select(lines, read)
    if found is not None:
        assert found == [write_row(read.columns(read_row(line, "test"))) for line in lines]
    joined = columns.join(lines, lines, read)
    if joined is not None:
        assert joined == [write_row(read.columns([*read_row(line, "test")] * 2)) for line in lines]


@pytest.mark.parametrize("line", [b'"a",b', b"a,b\r", b"", b"\xff,b"])
def test_a_row_that_has_to_be_read_is_told_apart(line: bytes) -> None:
    lines = [b"a,b", line]
    assert not columns.are_plain(lines, b"\n".join(lines))
    assert columns.are_plain([b"a,b", b"\xc3\xa4"], b"a,b\n\xc3\xa4")
    assert columns.select([b"a,b"], parse("$[0]")) == [b"a"]
    assert columns.select([b"a,b", b"c"], parse("$[1]")) is None, "the reader says which record it is"
