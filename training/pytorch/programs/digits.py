"""Handwritten digits from a channel: MNIST's own idx files, npy shards or tar shards, whichever is there."""

import gzip
import io
import zlib
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy

from contract.refusal import Refused
from training.data import DataError, ShardError, Tar

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
            "and its labels, *-images.npy with *-labels.npy, or *.tar; "
            "`python -m training.pytorch.programs.make_digits DIR` writes some"
        )
    return numpy.concatenate([images for images, _ in parts]), numpy.concatenate([labels for _, labels in parts])


def _read_file(path: Path) -> Digits | None:
    try:
        if path.name.endswith("-images.npy"):
            labels = path.with_name(path.name.replace("-images", "-labels"))
            return _checked(numpy.load(path), numpy.load(labels), path)
        if "-images-idx3-ubyte" in path.name:
            labels = path.with_name(path.name.replace("-images-idx3", "-labels-idx1"))
            return _checked(_read_idx(path, 16).reshape(-1, SIDE, SIDE), _read_idx(labels, 8), path)
        return _read_tar(path) if path.suffix == ".tar" else None
    except (Refused, ShardError):
        raise
    except (OSError, ValueError, EOFError, BadZipFile, zlib.error) as error:
        raise NoDigits(f"{path} and its labels cannot be read: {error}") from error


def _read_idx(path: Path, header_bytes: int) -> numpy.ndarray:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return numpy.frombuffer(data, dtype=numpy.uint8, offset=header_bytes)


def _read_tar(path: Path) -> Digits:
    """webdataset's naming: 000017.npy is an image, 000017.cls its label."""
    (shard,) = Tar().open([path], root="", tolerate=False)
    samples = [shard.read(number) for number in range(len(shard))]
    if not samples or not all("npy" in sample and "cls" in sample for sample in samples):
        raise NoDigits(f"{path}: its {len(samples)} samples are not one .npy image and one .cls label each")
    images = numpy.stack([numpy.load(io.BytesIO(sample["npy"])) for sample in samples])
    return _checked(images, numpy.array([int(sample["cls"]) for sample in samples]), path)


def _checked(images: numpy.ndarray, labels: numpy.ndarray, path: Path) -> Digits:
    if images.shape[1:] != (SIDE, SIDE) or labels.shape != images.shape[:1]:
        raise NoDigits(f"{path}: images {images.shape} and labels {labels.shape} are not n x {SIDE} x {SIDE} and n")
    for what, numbers, most in (("images", images, 255), ("labels", labels, 9)):
        if numbers.dtype.kind not in "iu" or (numbers.size and not 0 <= numbers.min() <= numbers.max() <= most):
            raise NoDigits(
                f"{path}: its {what} are not whole numbers from 0 to {most}, but {numbers.dtype} up to {numbers.max()}"
            )
    return images.astype(numpy.uint8), labels.astype(numpy.int64)
