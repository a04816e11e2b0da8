"""The failure file: written whatever stands in the way, and never longer than SageMaker reads."""

from pathlib import Path

from training.launcher.failure import FAILURE_LIMIT_BYTES, write


def test_the_file_is_written_even_before_its_folder_exists(tmp_path: Path) -> None:
    write(tmp_path, "one\n" + "x" * 5000)
    assert (tmp_path / "output" / "failure").read_bytes() == b"one\n" + b"x" * (FAILURE_LIMIT_BYTES - 4)


def test_the_file_is_text_wherever_it_is_cut_and_whatever_a_name_holds(tmp_path: Path) -> None:
    write(tmp_path, "x" + "\u00e9" * 1000 + "\udcff")
    text = (tmp_path / "output" / "failure").read_text()
    assert text == "x" + "\u00e9" * ((FAILURE_LIMIT_BYTES - 1) // 2)
    write(tmp_path, "no bytes of text: \udcff")
    assert (tmp_path / "output" / "failure").read_text() == "no bytes of text: ?"
