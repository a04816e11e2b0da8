"""Handwritten digits from a channel: MNIST's own idx files, npy shards or tar shards, whichever is there."""

import gzip
import io
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy

from training.data.errors import DataError

SIDE = 28
Digits = tuple[numpy.ndarray, numpy.ndarray]
"""Images as uint8 [n, 28, 28] and labels as int64 [n]."""


class NoDigits(DataError):
    """The channel holds nothing that can be read as digits."""


def read_digits(files: Sequence[Path], *, test: bool = False) -> Digits:
    """All the digits of one channel, in the order of the file names; of MNIST's own files only one of the two sets."""
    other = "train-" if test else "t10k-"
    files = [path for path in files if not path.name.startswith(other)]
    parts = [part for path in files if (part := _read_file(path)) is not None]
    if not parts:
        names = ", ".join(path.name for path in files[:5])
        raise NoDigits(
            f"no digits among the channel's files ({names}): expected train-images-idx3-ubyte[.gz] "
            "and its labels, *-images.npy with *-labels.npy, or *.tar; `python -m training.pytorch.make_digits DIR` "
            "writes some"
        )
    return numpy.concatenate([images for images, _ in parts]), numpy.concatenate([labels for _, labels in parts])


def _read_file(path: Path) -> Digits | None:
    if path.name.endswith("-images.npy"):
        return _checked(numpy.load(path), numpy.load(path.with_name(path.name.replace("-images", "-labels"))), path)
    if "-images-idx3-ubyte" in path.name:
        labels = path.with_name(path.name.replace("-images-idx3", "-labels-idx1"))
        return _checked(_read_idx(path, 16).reshape(-1, SIDE, SIDE), _read_idx(labels, 8), path)
    if path.suffix == ".tar":
        return _read_tar(path)
    return None


def _read_idx(path: Path, header_bytes: int) -> numpy.ndarray:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return numpy.frombuffer(data, dtype=numpy.uint8, offset=header_bytes)


def _read_tar(path: Path) -> Digits:
    """webdataset's naming: 000017.npy is an image, 000017.cls its label."""
    images, labels = {}, {}
    with tarfile.open(path) as archive:
        for member in archive:
            stream = archive.extractfile(member)
            if stream is None:
                continue
            key, _, kind = member.name.partition(".")
            if kind == "npy":
                images[key] = numpy.load(io.BytesIO(stream.read()))
            elif kind == "cls":
                labels[key] = int(stream.read())
    keys = sorted(images)
    if not keys or set(keys) != set(labels):
        raise NoDigits(f"{path}: {len(images)} .npy images and {len(labels)} .cls labels do not pair up")
    return _checked(numpy.stack([images[key] for key in keys]), numpy.array([labels[key] for key in keys]), path)


def _checked(images: numpy.ndarray, labels: numpy.ndarray, path: Path) -> Digits:
    if images.shape[1:] != (SIDE, SIDE) or len(images) != len(labels):
        raise NoDigits(f"{path}: images {images.shape} and labels {labels.shape} are not n x {SIDE} x {SIDE} and n")
    return images.astype(numpy.uint8), labels.astype(numpy.int64)
