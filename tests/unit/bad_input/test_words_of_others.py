"""What others wrote takes no command away: any input, any receipt, any line, any figure."""

import io
import json
import math
import re
import sys
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.console import Console

from shardyard.handlers.launch.receipt.index import make_receipt
from shardyard.spec import receipt_text, receipts
from shardyard.spec.jobs.log_metrics import LogMetrics
from shardyard.spec.run_ids import RUN_ID, given_run_id
from shardyard.spec.units import format_duration
from tests.support.fakes.fake_aws import STARTED, FakeAws
from tests.support.strange import JSON, nearly
from tests.unit.handlers import test_receipt
from yard import output
from yard.account import spending
from yard.commands import launch
from yard.errors import UserError
from yard.plots.page import charts, page
from yard.runs import about, comparison, history, runs
from yard.runs.comparison import Curve, Point
from yard.runs.logs import Line, Tail
from yard.runs.picture import Picture
from yard.runs.view import View

DEEP = "[" * 100_000


def whole_receipt() -> dict[str, Any]:
    """A receipt as the handler writes it, of a run with two attempts."""
    aws = FakeAws()
    first, last = test_receipt.job(TrainingJobName="tiny-r1-1"), test_receipt.job(TrainingJobName="tiny-r1-2")
    last["FinalMetricDataList"] = [{"MetricName": "loss", "Value": 0.25}]
    aws.jobs = {one["TrainingJobName"]: one for one in (first, last)}
    event = test_receipt.event()
    event["launch"]["run"] |= {"attempts": [{"name": "tiny-r1-1"}], "steps": [{"attempt": 1, "why": "capacity"}]}
    event["launch"]["request"] = {"TrainingJobName": "tiny-r1-2"}
    return {**make_receipt(event, aws, STARTED.timestamp()), "location": "s3://artifacts/runs/r1/receipt.json"}


class Account:
    """States and S3 with one foreign execution and one receipt."""

    def __init__(self, given: str = "{}", receipt: bytes = b"{}") -> None:
        self.given, self.body, self.region = given, receipt, "us-east-1"
        self.project = SimpleNamespace(
            renamed=dict, settings=SimpleNamespace(owner="unnamed"), kind=lambda _: "training"
        )

    def client(self, _: str) -> "Account":
        return self

    def state_machine_arn(self, job: str) -> str:
        return f"arn:aws:states:us-east-1:1:stateMachine:{job}"

    def artifact_bucket(self) -> str:
        return "artifacts"

    def get_paginator(self, _: str) -> "Account":
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        arn = "arn:aws:states:us-east-1:1:execution:tiny:console-typo"
        execution = {"name": "console-typo", "executionArn": arn, "status": "FAILED", "startDate": STARTED}
        return [{"executions": [execution | {"stopDate": STARTED + timedelta(seconds=3)}]}]

    def describe_execution(self, **_: str) -> dict[str, Any]:
        return {"input": self.given, "status": "FAILED", "startDate": STARTED}

    def get_object(self, **_: str) -> dict[str, Any]:
        return {"Body": io.BytesIO(self.body), "ETag": "1"}


@given(said=JSON.map(json.dumps) | st.text(max_size=40))
@example("[]")
@example('{"run_id": {"a": 1}}')
@example('{"run_id": "../../x"}')
@example("9" * 5000)
@example(DEEP)
def test_a_foreign_execution_with_any_input_is_a_run(said: str) -> None:
    aws: Any = Account(said)
    (run,) = runs.all_runs(aws, ["tiny"])
    assert re.fullmatch(RUN_ID, run.run_id)
    (row,) = history.rows(aws, ["tiny"], 5)
    assert row["status"] == "failed"


def test_an_input_names_a_run_only_as_preflight_takes_it() -> None:
    assert given_run_id('{"run_id": "20261121-073000-ab12"}') == "20261121-073000-ab12"
    assert given_run_id('{"run_id": "exp-1"}') == "exp-1"
    assert [
        given_run_id(said) for said in ('{"run_id": 3}', '{"run_id": "a b"}', '{"run_id": ""}', "[]", "", None)
    ] == [None] * 6


@pytest.mark.parametrize("said", ["[]", "3", '"x"', DEEP, "{", "null"])
def test_a_run_that_was_refused_for_its_input_is_not_resumed(said: str) -> None:
    aws: Any = Account(said)
    (run,) = runs.all_runs(aws, ["tiny"])
    with pytest.raises(UserError, match="was started with an input that is no table, and refused for it"):
        launch._input_of(run, {"input": said})
    assert launch._input_of(run, {"input": '{"spot": true}'}) == {"spot": True}


def test_a_receipt_of_ours_is_read_as_it_is() -> None:
    ours = whole_receipt()
    found = receipts.read(json.dumps(ours).encode())
    assert found is not None
    assert found.pop("tuning") is None, "it is no search's"
    assert found.pop("automl") is None, "nor an AutoML job's"
    assert [one.pop("exit_message") for one in found["attempts"]] == [None, None], "no processing job's either"
    assert found == ours


def read_everywhere(body: bytes) -> None:
    """What every command does with a receipt."""
    aws: Any = Account(receipt=body)
    (run,) = runs.all_runs(aws, ["tiny"])
    try:
        found = runs.receipt(aws, run.run_id)
    except UserError as error:
        assert error.happened.endswith("is no receipt: somebody has written something else there.")
        assert history._receipt(aws, run) == comparison._receipt(aws, run) == {}
        return
    assert isinstance(receipt_text.text(found), str)
    assert len(receipt_text.subject(found)) <= 99
    bill = spending._of_receipt(found, "unnamed")
    spending._sum(bill.owner, [bill])
    comparison._origin(found)
    output.emit_rows(
        [history._row(aws, run, about.read(aws, run.run_id))],
        ("run", "cost_usd", "loss", "metrics"),
        as_json=False,
        empty="",
    )
    output.emit_json(found)


@given(body=st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
@example(DEEP.encode())
@example(b"9" * 5000)
@example(b'{"cost_usd": NaN, "billable_seconds": Infinity, "metrics": {"not_finite_step": -Infinity}}')
@example(b'{"billable_seconds": 1' + b"0" * 400 + b"}")
def test_anything_in_the_place_of_a_receipt_is_a_receipt_or_a_sentence(body: bytes) -> None:
    read_everywhere(body)


@given(strange=nearly(whole_receipt()))
@settings(max_examples=300)
def test_a_receipt_with_strange_parts_is_read_by_every_command(strange: Any) -> None:
    read_everywhere(json.dumps(strange).encode())


WORDS = {"name": "a", "tags": {"k": "v"}, "notes": [{"at": "2026", "text": "x"}]}


@given(body=st.binary(max_size=60) | nearly(WORDS).map(lambda value: json.dumps(value).encode()))
@example(DEEP.encode())
def test_anything_in_the_place_of_notes_is_read(body: bytes) -> None:
    aws: Any = Account(receipt=body)
    found = about.read(aws, "r1")
    assert isinstance(found.in_words(), str) and not found.matches("no such text")
    assert about.About.from_body(json.dumps(found.to_dict()).encode()) == found


def test_a_receipt_of_gigabytes_is_not_read() -> None:
    assert receipts.read(b'{"job": "' + b"x" * receipts.MOST_BYTES + b'"}') is None


PIECES = st.sampled_from(
    [
        "metric ",
        "step=",
        "loss=",
        "total_steps=",
        "loss: ",
        "Epoch ",
        "nan",
        "inf",
        "-inf",
        "1e999",
        "--",
        "..",
        "1-2",
        "%",
        "2026-11-28",
        "0",
        "-1",
        "9" * 400,
        "/",
        "[",
        "]",
        "'",
        "|",
        " 10%|",
        "12/",
        "0/0 [00:0",
        "\x1b[2J",
        "\ud800",
        "\u0664",
        "tokens_per_second=",
    ]
)
LINES = st.lists(PIECES | st.text(max_size=5), max_size=12).map("".join)


@given(text=LINES, regex=st.sampled_from(["loss", "(", "(loss)|x", "(?P<a>.)(.)", "(a+)+", r"=(.*)"]))
@example("metric step=1 total=--", "x")
@example("date=2026-11-28 loss=1-2 x=..", "x")
def test_every_line_has_numbers_or_none(text: str, regex: str) -> None:
    for value in LogMetrics(own={"own": regex}).read(text).values():
        assert isinstance(value, float)


@given(texts=st.lists(LINES, max_size=8), screen=st.booleans())
@example(
    [
        "metric step=nan total_steps=inf loss=1",
        "metric step=inf total_steps=inf",
        "metric step=-1e308 total_steps=1e308",
    ],
    True,
)
@example(["metric step=1 total_steps=nan", "metric step=2 total_steps=-1"], True)
def test_no_line_takes_the_view_away(texts: list[str], screen: bool) -> None:
    view = View(job="tiny", run_id="r", region="us-east-1")
    for number, text in enumerate(texts):
        view.hear(Line(1000 * number, "algo-1", text))
    left = view.progress()
    if left is not None:
        assert 0 <= left[0] <= 1
        format_duration(0.0 if left[1] is None else left[1])
    if screen:
        drawn = io.StringIO()
        Console(file=drawn, width=100).print(Picture(view))
        assert "\x1b" not in drawn.getvalue()


@given(seconds=st.floats() | st.integers())
def test_a_duration_of_any_number_is_a_text(seconds: float) -> None:
    assert isinstance(format_duration(seconds), str)


@given(values=st.lists(st.tuples(st.floats(), st.floats()), max_size=6))
@example([(0.0, 5e-324), (1.0, 0.0)])
@example([(-1e308, 1e308), (1e308, -1e308)])
@example([(1.0, 1.0), (1.0 + 2**-52, 1.0 + 2**-52)])
@example([(0.0, 0.0)])
def test_any_curve_is_drawn(values: list[tuple[float, float]]) -> None:
    points = tuple(Point(step=x, seconds=x, metrics={"loss": y, "epoch": x}) for x, y in values)
    curves = [Curve(run_id="r", job="j", status="s", settings={}, points=points)]
    shown = [*charts(curves), *charts(curves, by="epoch", smooth=0.6)]
    drawn = page(curves, [], [], shown)
    assert not re.search(r'(points|cx|cy|x1|y1)="[^"]*(nan|inf)', drawn)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


EVIL = "\x1b]0;owned\x07\x1b]52;c;aGk=\x07\x1b[2J\rFAKE\u202e: succeeded\x9b1m\ud800"


def at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(sys, "stderr", screen)
    return screen


def is_harmless(text: str) -> bool:
    return not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ud800]", text)


@pytest.mark.parametrize(
    "print_it",
    [
        lambda: output.say(EVIL),
        lambda: output.show(EVIL),
        lambda: output.emit_facts({"cause": EVIL, "list": [EVIL], "table": {EVIL: EVIL}}, as_json=False),
        lambda: output.emit_rows([{"why": EVIL, "list": [EVIL]}], ("why", "list"), as_json=False, empty=EVIL),
    ],
)
def test_at_a_terminal_words_of_others_are_text_and_nothing_else(
    print_it: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = at_a_terminal(monkeypatch)
    print_it()
    said = screen.getvalue()
    assert "FAKE" in said
    assert is_harmless(re.sub(r"\x1b\[[0-9;]*m", "", said)), "but for the colours of our own heads"
    assert "owned" not in said


def test_an_error_says_what_is_no_text_as_python_would(capsys: pytest.CaptureFixture[str]) -> None:
    output.complain("a\x1b[2Jb\nnext \ud800", "fix\r")
    assert capsys.readouterr().err == "a\\x1b[2Jb\nnext \\ud800\nfix\\r\n"


def test_json_has_every_byte_at_a_terminal_too(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = at_a_terminal(monkeypatch)
    output.emit_json({"text": EVIL})
    output.emit_json_line({"text": EVIL})
    assert screen.getvalue().isascii()
    assert json.loads(screen.getvalue().splitlines()[-1]) == {"text": EVIL}


def test_a_pipe_gets_every_byte(capfd: pytest.CaptureFixture[str]) -> None:
    output.show("a\x1b[1mb")
    assert capfd.readouterr().out == "a\x1b[1mb\n"


def test_a_line_break_in_somebodys_words_begins_no_line_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    output.emit_facts({"status": "failed", "cause": "x\nstatus  succeeded"}, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["status  failed", "cause   x", "        status  succeeded"]


@given(messages=st.lists(st.text(max_size=20), max_size=4))
def test_any_message_is_a_line(messages: list[str]) -> None:
    class Logs(Account):
        def paginate(self, **_: Any) -> list[dict[str, Any]]:
            return [
                {
                    "events": [
                        {"timestamp": n, "eventId": str(n), "logStreamName": "odd", "message": text}
                        for n, text in enumerate(messages)
                    ]
                }
            ]

    aws: Any = Logs()
    assert len(list(Tail(aws, "r").lines(["tiny-r-1"]))) == len(messages)


def test_a_month_with_a_strange_receipt_has_its_sum() -> None:
    class Month(Account):
        bodies = {"runs/20261101-000000-aaaa/receipt.json": b"[]", "runs/20261102-000000-bbbb/receipt.json": b""}

        def paginate(self, **query: Any) -> list[dict[str, Any]]:
            kinds = ("TrainingJob", "ProcessingJob", "TransformJob", "AutoMLJob", "HyperParameterTuningJob")
            jobs: dict[str, Any] = {f"{kind}Summaries": [] for kind in kinds}
            return [{"Contents": [{"Key": key} for key in self.bodies], **jobs}]

        def get_object(self, *, Key: str, **_: str) -> dict[str, Any]:
            good = json.dumps({**whole_receipt(), "cost_usd": 2.5}).encode()
            return {"Body": io.BytesIO(self.bodies[Key] or good)}

    aws: Any = Month()
    (row,) = spending.month_to_date(aws, datetime(2026, 11, 30, tzinfo=UTC).date())
    assert (row.name, row.usd) == ("tiny", 2.5)
    assert math.isfinite(row.saved_usd)
