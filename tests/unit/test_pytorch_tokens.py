"""Token files that are none, in one sentence that names the file."""

from pathlib import Path

import numpy
import pytest

from training.data import DataError
from training.pytorch.tokens import NoTokens, read_tokens


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.npy", b"hello", r"a\.npy cannot be read at byte 0: this is no \.npy file"),
        ("a.bin", b"123", r"a\.bin cannot be read at byte 3: the file is no whole number of uint16 tokens"),
        ("gone.bin", None, r"gone\.bin cannot be read at byte 0: No such file"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_tokens([tmp_path / name], vocabulary=10)


def test_empty_files_are_passed_over_and_nothing_but_them_is_refused(tmp_path: Path) -> None:
    numpy.save(tmp_path / "a.npy", numpy.zeros(0, numpy.int32))
    (tmp_path / "b.bin").write_bytes(b"")
    empty = [tmp_path / "a.npy", tmp_path / "b.bin"]
    with pytest.raises(NoTokens, match="holds no"):
        read_tokens(empty, vocabulary=10)
    numpy.save(tmp_path / "c.npy", numpy.arange(5))
    assert read_tokens([*empty, tmp_path / "c.npy"], vocabulary=10).read(0, 5).tolist() == [0, 1, 2, 3, 4]


def test_tokens_below_zero_are_refused(tmp_path: Path) -> None:
    numpy.save(tmp_path / "a.npy", numpy.array([1, -3]))
    with pytest.raises(NoTokens, match="has token -3: tokens are numbered from 0"):
        read_tokens([tmp_path / "a.npy"], vocabulary=10)
