"""What tests of the data write and read: channels with their files, in every format."""

import io
import json
import struct
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy

from training.data import Dataset, Reader, World, channel
from training.data.balance import Gather
from training.data.records import RECORDIO_MAGIC


def make_channel(base: Path, files: dict[str, bytes], *, name: str = "train", **settings: str) -> dict[str, str]:
    """Write files and return an environment in which the channel has these settings."""
    folder = base / "input" / "data" / name
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in files.items():
        (folder / file).write_bytes(content)
    return {"SAGEMAKER_BASE_DIR": str(base), "SM_INPUT_DATA_CONFIG": json.dumps({name: settings})}


def numbers(count: int, start: int = 0) -> bytes:
    """JSON lines: whole numbers from `start` on."""
    return b"".join(b"%d\n" % number for number in range(start, start + count))


def world(rank: int, size: int, local: int | None = None) -> World:
    """One rank's place."""
    local_size = size if local is None else local
    return World(rank=rank, world_size=size, local_rank=rank % local_size, local_world_size=local_size)


def told(samples: Sequence[int], *ranks_of_nodes: int) -> Gather:
    """What all ranks would say: their nodes' samples first, then how many ranks their nodes have."""
    sizes = [size for size in ranks_of_nodes for _ in range(size)]
    answers = iter([samples, sizes])
    return lambda _: next(answers)


def open_map(environ: dict[str, str], **arguments: Any) -> Dataset:
    """The channel `train`, read at any place."""
    dataset = channel("train", environ=environ, **arguments)
    assert isinstance(dataset, Dataset)
    return dataset


def npy(array: numpy.ndarray) -> bytes:
    """The content of a .npy file."""
    stream = io.BytesIO()
    numpy.save(stream, array)
    return stream.getvalue()


def write_tar(path: Path, members: list[tuple[str, bytes]], form: int = tarfile.PAX_FORMAT) -> Path:
    """A tar as Python writes it."""
    with tarfile.open(path, "w", format=form) as archive:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def recordio(*records: bytes) -> bytes:
    """Records as RecordIO frames them."""
    framed = b""
    for record in records:
        framed += struct.pack("<II", RECORDIO_MAGIC, len(record)) + record + bytes(-len(record) % 4)
    return framed


def read_all(reader: Reader, path: Path) -> list[Any]:
    """The samples of one file, read at any place."""
    (shard,) = reader.open([path], root="", tolerate=False)
    return [shard.read(number) for number in range(len(shard))]


def stream_all(reader: Reader, path: Path) -> list[Any]:
    """The samples of one file, read through."""
    with open(path, "rb") as file:
        return list(reader.stream(file, str(path)))
