"""Arrays in files are mapped: what nobody asks for takes no memory."""

from pathlib import Path

import numpy
import pytest

from training.data.arrays import open_array, open_numbers
from training.pytorch.programs.tokens import read_tokens


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """The same five tokens as an array and as raw numbers."""
    tokens = numpy.arange(5, dtype=numpy.uint16)
    numpy.save(tmp_path / "a.npy", tokens)
    (tmp_path / "a.bin").write_bytes(tokens.tobytes())
    return tmp_path / "a.npy", tmp_path / "a.bin"


def is_mapped(array: object, file: Path) -> bool:
    """Whether this is a part of the file, and nothing that could be written back to it."""
    return isinstance(array, numpy.memmap) and str(array.filename) == str(file) and not array.flags.writeable


def test_files_are_mapped_and_not_loaded(files: tuple[Path, Path]) -> None:
    array, raw = files
    assert is_mapped(open_array(str(array)), array)
    assert is_mapped(open_numbers(str(raw), "uint16"), raw)


def test_the_tokens_of_a_channel_stay_in_its_files(files: tuple[Path, Path]) -> None:
    for file in files:
        assert is_mapped(read_tokens([file], vocabulary=5).read(1, 3), file)
