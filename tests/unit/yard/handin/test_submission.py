"""Submissions of the wrong shape, each told what differs; and the rules' arithmetic."""

from pathlib import Path

import pytest

from yard.errors import UserError
from yard.handin import rules, submission

SAMPLE = "id,kind,y\n1,a,0.5\n2,b,0.5\n3,a,0.5\n"


def verdicts(tmp_path: Path, text: str | bytes | None, sample: str = SAMPLE) -> list[str]:
    (tmp_path / "sample.csv").write_text(sample)
    written = tmp_path / "out" / "submission.csv"
    written.parent.mkdir()
    if text is not None:
        written.write_bytes(text if isinstance(text, bytes) else text.encode())
    return [f"{one.state}: {one.says}" for one in submission.check(written, tmp_path / "sample.csv")]


@pytest.mark.parametrize("text", [SAMPLE, "\ufeffid,kind,y\r\n1,c,1\r\n2,b,-2e3\r\n3,a,0\r\n"])
def test_one_of_the_samples_shape_is_fine(tmp_path: Path, text: str) -> None:
    assert verdicts(tmp_path, text) == ["ok: submission.csv is shaped like sample.csv: 3 rows of 3 columns"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, ["broken: submission.csv is not in /kaggle/working (nothing is)"]),
        ("", ["broken: its columns are none, and the sample's id, kind, y"]),
        (b"\xff\xfe", ["broken: submission.csv is no CSV in UTF-8"]),
        ('id,kind,y\n1,"a', ["broken: submission.csv is no CSV in UTF-8: unexpected end of data"]),
        ("id,y,kind\n1,0.5,a\n", ["broken: its columns are id, y, kind, and the sample's id, kind, y"]),
        ("id,kind,y\n1,a,0.5\n", ["broken: it has 1 rows, and the sample 3"]),
        ("id,kind,y\n1,a,0.5\n2,b\n3,a,0.5\n", ["broken: 1 of its lines have another number of values: line 3"]),
        ("id,kind,y\n2,b,1\n1,a,1\n3,a,1\n", ["broken: its id are the sample's in another order"]),
        ("id,kind,y\n1,b,1\n7,a,1\n3,a,1\n", ["broken: its id are not the sample's: 7"]),
        ("id,kind,y\n1,b,1\n1,a,1\n3,a,1\n", ["broken: its id are not the sample's: one twice"]),
        (
            "id,kind,y\n1,,nan\n2,b,0x\n3,a,\n",
            [
                "broken: its column kind is empty in 1 lines: line 2",
                "broken: its column y is empty in 1 lines: line 4",
            ],
        ),
        (
            "id,kind,y\n1,a,nan\n2,b,x\n3,a,1\n",
            ["broken: its column y has 'nan' where the sample has numbers: lines 2, 3"],
        ),
    ],
)
def test_what_differs_is_said(tmp_path: Path, text: str | bytes | None, says: list[str]) -> None:
    found = verdicts(tmp_path, text)
    assert len(found) == len(says)
    assert [one for one, begins in zip(found, says, strict=True) if not one.startswith(begins)] == []


def test_a_sample_that_nobody_can_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "sample.csv").write_bytes(b"\xff")
    with pytest.raises(UserError, match="cannot be read as a sample"):
        submission.read(tmp_path / "sample.csv")


@pytest.mark.parametrize(
    ("seconds", "rows", "hidden", "state", "says"),
    [
        (60, 100, None, "ok", "60 s here, of 1 h that are allowed; the hidden"),
        (60, 100, 1000, "ok", "60 s here for 100 rows, so 600 s for 1000, of 1 h"),
        (60, 100, 4000, "warning", "60 s here for 100 rows, so 2400 s for 4000"),
        (60, 100, 7000, "broken", "60 s here for 100 rows, so 4200 s for 7000"),
        (3.21, None, 7000, "ok", "3.2 s here, of 1 h"),
    ],
)
def test_the_run_time_is_carried_over_to_the_hidden_rows(
    seconds: float, rows: int | None, hidden: int | None, state: str, says: str
) -> None:
    found = rules.run_time(seconds, hours=1, rows=rows, hidden_rows=hidden)
    assert found.state == state and found.says.startswith(says)


def test_too_many_files_at_the_top_break_a_rule(tmp_path: Path) -> None:
    for number in range(51):
        (tmp_path / f"{number}.bin").write_bytes(b"1234")
    (tmp_path / "dataset-metadata.json").write_text("{}")
    assert [(one.state, one.says) for one in rules.sizes(tmp_path)] == [
        ("ok", "0.0 MB of 200 GB"),
        ("broken", "51 files and folders at its top, of 50"),
    ]


def test_the_rules_have_a_date_and_a_source() -> None:
    data = rules.data()
    assert data["date"] >= "2026-11-30" and data["source"] and data["internet"] is False
