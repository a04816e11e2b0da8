"""The file of tensors: any reader of its format opens it, and ours reads back every number."""

from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from training.pytorch.checkpoint import numbers
from training.pytorch.checkpoint.numbers import code_of, read_tensor
from training.pytorch.checkpoint.staging import Staging
from training.saves import tensor_file
from training.saves.manifest import hash_file
from training.saves.save_files import SaveFiles
from training.saves.storage import Folder
from training.saves.tensor_file import Entry, encode_header, read_header
from training.saves.unfit import Unfit

DTYPES = sorted(numbers._CODES, key=str)


def some_tensors() -> dict[str, torch.Tensor]:
    """One of each type, of odd sizes, so that nothing lies where it may by chance."""
    generator = torch.Generator().manual_seed(1)
    found = {}
    for number, dtype in enumerate(DTYPES):
        raw = torch.randint(0, 2, ((number + 1) * dtype.itemsize,), dtype=torch.uint8, generator=generator)
        found[f"layer.{number}"] = raw.view(dtype)
    return {**found, "matrix": torch.arange(6.0).reshape(2, 3), "scalar": torch.tensor(7.5)}


def write(folder: Path, tensors: dict[str, torch.Tensor]) -> Path:
    storage = Folder(folder)
    files = SaveFiles(storage, ".")
    with files.create("x") as stream:
        Staging().copy(tensors, frozenset()).write(stream)
    return folder / "x"


def test_what_was_written_is_read_back_bit_by_bit(tmp_path: Path) -> None:
    tensors = some_tensors()
    write(tmp_path, tensors)
    entries = read_header(Folder(tmp_path), "x")
    assert entries.keys() == tensors.keys()
    for name, tensor in tensors.items():
        found = read_tensor(Folder(tmp_path), "x", entries[name])
        assert found.dtype == tensor.dtype
        assert found.shape == tensor.shape
        assert found.reshape(-1).view(torch.uint8).tolist() == tensor.reshape(-1).view(torch.uint8).tolist()


def test_the_formats_own_package_reads_the_same(tmp_path: Path) -> None:
    tensors = some_tensors()
    with safe_open(write(tmp_path, tensors), framework="pt") as file:
        assert set(file.keys()) == set(tensors)
        for name, tensor in tensors.items():
            found = file.get_tensor(name)
            assert found.dtype == tensor.dtype
            assert found.reshape(-1).view(torch.uint8).tolist() == tensor.reshape(-1).view(torch.uint8).tolist()


def test_a_piece_says_where_it_belongs_and_a_whole_says_nothing() -> None:
    whole = Entry(dtype="F32", shape=(2,), whole=(2,), offsets=(0,), start=0, end=8)
    piece = Entry(dtype="F32", shape=(1, 3), whole=(4, 3), offsets=(2, 0), start=8, end=20)
    assert b"metadata" not in encode_header({"a": whole})
    header = encode_header({"a": whole, "b": piece})
    assert b"metadata" in header

    class Storage(Folder):
        def read(self, name: str, offset: int = 0, size: int | None = None) -> bytes:
            return header[offset:][:size]

    found = read_header(Storage(Path()), "x")["b"]
    assert (found.shape, found.whole, found.offsets) == ((1, 3), (4, 3), (2, 0))
    assert (found.start, found.end) == (len(header) + 8, len(header) + 20)


def test_a_type_that_the_format_lacks_is_named() -> None:
    with pytest.raises(Unfit, match=r"model\.x is of torch\.complex128, which a checkpoint cannot hold; it can hold"):
        code_of("model.x", torch.complex128)


def test_a_header_of_any_length_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tensors = some_tensors()
    write(tmp_path, tensors)
    expected = read_header(Folder(tmp_path), "x")
    for size in (8, 9, 100, 1 << 20):
        monkeypatch.setattr(tensor_file, "_HEAD_BYTES", size)
        assert read_header(Folder(tmp_path), "x") == expected


def test_what_is_hashed_is_what_is_written(tmp_path: Path) -> None:
    files = SaveFiles(Folder(tmp_path), ".")
    with files.create("x") as stream:
        for size in (0, 1, (1 << 20) - 1, (1 << 21) + 3):
            stream.write(bytes(range(256)) * (size // 256) + bytes(size % 256))
    assert files.written == {"x": hash_file(Folder(tmp_path), "x")}
