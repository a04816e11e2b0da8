"""Handwritten digits from a channel: MNIST's own idx files, npy, tar or TFRecord shards, whichever is there."""

import gzip
import io
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy

from contract.paths import base_folder
from contract.refusal import Refused
from contract.world import World
from training.data import Channel, DataError, ShardError, Tar, TFRecord, resolve
from training.data.balance import Gather
from training.data.batches import EpochBatches, equal_batches
from training.data.position import place_in_group
from training.data.tfrecord.example import parse_example
from training.programs.make_digits import real_digits

SIDE = 28
Digits = tuple[numpy.ndarray, numpy.ndarray]
"""Images as uint8 [n, 28, 28] and labels as int64 [n]."""


class NoDigits(DataError):
    """The channel holds nothing that can be read as digits."""


def find_channel(name: str) -> Channel | None:
    """A channel of the job, or None if it has none of this name; one that cannot be used is an error."""
    place = base_folder() / "input" / "data" / name
    return resolve(name) if f"SM_CHANNEL_{name.upper()}" in os.environ or place.is_dir() else None


def load_digits(channel: Channel | None, *, test: bool = False) -> Digits:
    """The digits of a channel; without one, those that scikit-learn brings."""
    return real_digits(test=test) if channel is None else read_digits(channel.files(), test=test)


def held_out_digits(train: Channel | None, world: World) -> Digits | None:
    """This rank's part of the channel `test`, or of MNIST's own test files beside the training ones, or none."""
    test = find_channel("test")
    if test is None and train is not None and not any(path.name.startswith("t10k-") for path in train.files()):
        return None
    channel = train if test is None else test
    part, parts = place_in_group(channel, world)
    images, labels = load_digits(channel, test=True)
    return images[part::parts], labels[part::parts]


def divide(
    channel: Channel | None, samples: int, *, world: World, batch_size: int, seed: int, gather: Gather
) -> EpochBatches:
    """This rank's batches."""
    part, parts = place_in_group(channel, world)
    return equal_batches(
        samples,
        channel=channel,
        world=world,
        batch_size=batch_size,
        part=part,
        parts=parts,
        seed=seed,
        gather=gather,
    )


def read_digits(files: Sequence[Path], *, test: bool = False) -> Digits:
    """All the digits of one channel, in the order of the file names; of MNIST's own files only one of the two sets."""
    other = "train-" if test else "t10k-"
    files = [path for path in files if not path.name.startswith(other)]
    parts = [part for path in files if (part := _read_file(path)) is not None]
    if not parts:
        names = ", ".join(path.name for path in files[:5])
        raise NoDigits(
            f"no digits among the channel's files ({names}): expected train-images-idx3-ubyte[.gz] "
            "and its labels, *-images.npy with *-labels.npy, *.tar, or *.tfrecords; "
            "`python -m training.programs.make_digits DIR` writes some"
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
        if path.suffix in (".tfrecord", ".tfrecords"):
            return _read_tfrecord(path)
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


def _read_tfrecord(path: Path) -> Digits:
    """As TensorFlow's own examples write MNIST: `image_raw`, 784 bytes, and `label`."""
    (shard,) = TFRecord().open([path], root="", tolerate=False)
    images, labels = [], []
    for number in range(len(shard)):
        features = parse_example(shard.read(number))
        if not {"image_raw", "label"} <= features.keys():
            raise NoDigits(f"{path}: record {number} has {sorted(features)}, and image_raw and label are meant")
        images.append(numpy.frombuffer(features["image_raw"][0], numpy.uint8))  # type: ignore[arg-type]
        labels.append(int(features["label"][0]))
    if not images:
        return numpy.empty((0, SIDE, SIDE), numpy.uint8), numpy.empty(0, numpy.int64)
    return _checked(numpy.stack(images).reshape(len(images), SIDE, SIDE), numpy.array(labels), path)


def _checked(images: numpy.ndarray, labels: numpy.ndarray, path: Path) -> Digits:
    if images.shape[1:] != (SIDE, SIDE) or labels.shape != images.shape[:1]:
        raise NoDigits(f"{path}: images {images.shape} and labels {labels.shape} are not n x {SIDE} x {SIDE} and n")
    for what, numbers, most in (("images", images, 255), ("labels", labels, 9)):
        if numbers.dtype.kind not in "iu" or (numbers.size and not 0 <= numbers.min() <= numbers.max() <= most):
            raise NoDigits(
                f"{path}: its {what} are not whole numbers from 0 to {most}, but {numbers.dtype} up to {numbers.max()}"
            )
    return images.astype(numpy.uint8), labels.astype(numpy.int64)
