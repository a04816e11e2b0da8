"""Tables and lines on a terminal of any width."""

import contextlib
import io
from datetime import UTC, datetime

import pytest

from yard import output
from yard.output import emit_rows, printable
from yard.tables import abreast

RUN = "20261128-234940-7f16"
ROW = {
    "run": RUN,
    "job": "gpt-fsdp-large",
    "status": "succeeded",
    "started": datetime(2026, 11, 28, 23, 49, 40, tzinfo=UTC),
    "took": "1h12m",
    "cost_usd": 12.5,
    "saved_usd": None,
    "loss": 0.05263,
    "accuracy": 0.98,
}
SPARE = ("took", "loss", "cost_usd", "started", "accuracy", "saved_usd")


def table(monkeypatch: pytest.MonkeyPatch, width: int, rows: list[dict[str, object]]) -> list[str]:
    screen = io.StringIO()
    monkeypatch.setattr(output, "width", lambda **_: width)
    with contextlib.redirect_stdout(screen):
        emit_rows(rows, tuple(ROW), as_json=False, empty="", spare=SPARE)
    return screen.getvalue().splitlines()


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_a_run_takes_one_line_and_its_id_is_whole(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    head, line = table(monkeypatch, width, [ROW])
    assert line.split()[:3] == [RUN, "gpt-fsdp-large", "succeeded"]
    assert max(len(head), len(line)) <= width
    assert "saved" not in head, "a column without any value"
    assert ("No room for:" in capsys.readouterr().err) == (width < 120)


def test_what_is_dropped_first_is_what_one_needs_least(monkeypatch: pytest.MonkeyPatch) -> None:
    head, line = table(monkeypatch, 80, [ROW])
    assert head.split() == ["run", "job", "status", "took", "cost", "usd", "loss"]
    assert "0.05263" in line


def test_a_sentence_gives_way_and_a_name_does_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "width", lambda **_: 50)
    emit_rows([{"run": RUN, "why": "it is " + "much " * 12}], ("run", "why"), as_json=False, empty="")
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith(f"{RUN}  it is much much")
    assert len(lines) == 4 and max(map(len, lines)) <= 50


def test_an_address_folds_in_a_table_and_is_whole_in_a_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "width", lambda **_: 50)
    address = "s3://bucket/" + "a" * 60
    emit_rows([{"name": "model", "where": address}], ("name", "where"), as_json=False, empty="")
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 50
    output.show(f"Model: {address}")
    assert address in capsys.readouterr().out.splitlines()


def test_sentences_fold_between_words_at_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sentence = "Stopping gpt: its program has two minutes to save, which are billed."
    output.say(sentence)
    monkeypatch.setattr(output, "width", lambda **_: 30)
    output.say(sentence)
    output.emit_facts({"cause": sentence, "job": "gpt"}, as_json=False)
    found = capsys.readouterr()
    whole, *folded = found.err.splitlines()
    assert whole == sentence
    assert " ".join(folded) == sentence and max(map(len, folded)) <= 30
    first, *rest = found.out.splitlines()
    assert first.startswith("cause  Stopping") and all(line.startswith(" " * 7) for line in rest[:-1])


def test_more_runs_than_have_room_go_below_one_another() -> None:
    runs = [[RUN]] * 5
    assert [abreast(["status", "learning_rate"], runs, width) for width in (20, 80, 100, 120, None)] == [1, 3, 3, 4, 5]


def test_nan_is_json_for_programs_too(capsys: pytest.CaptureFixture[str]) -> None:
    output.emit_json({"loss": [float("nan"), 1.5], "max": float("-inf")})
    assert capsys.readouterr().out.split() == ["{", '"loss":', "[", '"nan",', "1.5", "],", '"max":', '"-inf"', "}"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;owned\x07hello\x1b[2J", "hello"),
        ("\x1b[1;31mred\x1b[0m and\ttab", "red and\ttab"),
        ("a\x08b\x7f\x9bc", "abc"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("10%|\u2588\u2588 | \u00e9", "10%|\u2588\u2588 | \u00e9"),
    ],
)
def test_somebody_elses_line_moves_nothing_on_the_screen(text: str, shown: str) -> None:
    assert printable(text) == shown
