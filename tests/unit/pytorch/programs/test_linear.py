"""The linear regression's own decisions: what it does with rows that cannot be read."""

from pathlib import Path

import pytest

from training.data import DataError
from training.pytorch.programs import linear

SOUND = "tone,a\n1,2\n3,4\n5,6\n7,8\n"
DAMAGED = "tone,a\n1,2\n3,4,5\n5,6\n7,8\n"


@pytest.fixture(autouse=True)
def outside_of_containers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    monkeypatch.delenv("SM_CURRENT_HOST", raising=False)
    monkeypatch.delenv("RANK", raising=False)


def lines_of_epochs(tmp_path: Path, rows: str, *arguments: str, capfd: pytest.CaptureFixture[str]) -> list[str]:
    """Train for two epochs; what is printed at the end of each."""
    for channel in ("train", "validation"):
        folder = tmp_path / "input" / "data" / channel
        folder.mkdir(parents=True)
        (folder / "a.csv").write_text(rows if channel == "train" else SOUND)
    linear.main(["--batch_size", "2", "--epochs", "2", *arguments])
    return [line for line in capfd.readouterr().out.splitlines() if "validation_loss=" in line]


def test_rows_that_are_passed_over_are_counted_in_the_metric_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    lines = lines_of_epochs(tmp_path, DAMAGED, "--skip_unreadable", "true", capfd=capfd)
    assert [line.rpartition(" ")[2] for line in lines] == ["skipped=1", "skipped=2"]


def test_a_run_that_passed_over_nothing_does_not_speak_of_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    lines = lines_of_epochs(tmp_path, SOUND, "--skip_unreadable", "true", capfd=capfd)
    assert len(lines) == 2
    assert "skipped" not in lines[0] + lines[1]


def test_a_row_that_cannot_be_read_ends_the_run_unless_it_is_asked_to_pass_over(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        lines_of_epochs(tmp_path, DAMAGED, capfd=capfd)
    assert ended.value.code == 1, "another attempt may read it"
    assert "a.csv cannot be read at byte 11: this line has 3 values for 2 names" in capfd.readouterr().err


def test_empty_parts_of_a_table_have_no_rows(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("y,x\n1,2\n")
    (tmp_path / "b.csv").write_text("")
    features, targets = linear.read_table([tmp_path / "a.csv", tmp_path / "b.csv"])
    assert (features.tolist(), targets.tolist()) == ([[2.0]], [1.0])
    with pytest.raises(DataError, match="holds no CSV file that has rows"):
        linear.read_table([tmp_path / "b.csv"])
