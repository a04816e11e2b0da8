"""Write scikit-learn's real handwritten digits, enlarged to MNIST's 28 x 28, as the files of a channel.

python -m training.programs.make_digits DIR --shards 4            # DIR/train/ and DIR/test/, npy
python -m training.programs.make_digits DIR --shards 4 --format tar        # or tfrecords
"""

import argparse
import io
import tarfile
from pathlib import Path

import numpy

from training.data.tfrecord.example import encode_example
from training.data.tfrecord.records import record_of

TEST_PART = 6
"""Every sixth digit is a test digit."""


def enlarge(images: numpy.ndarray) -> numpy.ndarray:
    """8 x 8 images of 0..16 as 28 x 28 images of 0..255: interpolated to 20 x 20 and centred, as MNIST is."""
    at = numpy.linspace(0, 7, 20)
    low = numpy.minimum(at.astype(int), 6)
    weights = numpy.zeros((20, 8))
    weights[numpy.arange(20), low] = 1 - (at - low)
    weights[numpy.arange(20), low + 1] += at - low
    large = numpy.einsum("ai,nij,bj->nab", weights, images, weights)
    return numpy.pad(numpy.rint(large * 255 / 16).astype(numpy.uint8), ((0, 0), (4, 4), (4, 4)))


def real_digits(*, test: bool) -> tuple[numpy.ndarray, numpy.ndarray]:
    """The digits of one part, enlarged: images as uint8 [n, 28, 28] and labels as int64 [n]."""
    from sklearn.datasets import load_digits  # only here: training from a channel does not need scikit-learn

    digits = load_digits()
    chosen = (numpy.arange(len(digits.images)) % TEST_PART == 0) == test
    return enlarge(digits.images[chosen]), digits.target[chosen].astype(numpy.int64)


def write_npy(folder: Path, name: str, images: numpy.ndarray, labels: numpy.ndarray) -> None:
    """One shard as two arrays."""
    numpy.save(folder / f"{name}-images.npy", images)
    numpy.save(folder / f"{name}-labels.npy", labels)


def write_tar(folder: Path, name: str, images: numpy.ndarray, labels: numpy.ndarray) -> None:
    """One shard as a tar in webdataset's naming; equal digits give equal bytes."""
    with tarfile.open(folder / f"{name}.tar", "w", format=tarfile.USTAR_FORMAT) as archive:
        for index, (image, label) in enumerate(zip(images, labels, strict=True)):
            array = io.BytesIO()
            numpy.save(array, image)
            for kind, data in (("npy", array.getvalue()), ("cls", str(label).encode())):
                member = tarfile.TarInfo(f"{name}-{index:06d}.{kind}")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))


def write_tfrecords(folder: Path, name: str, images: numpy.ndarray, labels: numpy.ndarray) -> None:
    """One shard of Examples, as TensorFlow's own examples write MNIST."""
    with (folder / f"{name}.tfrecords").open("wb") as file:
        for image, label in zip(images, labels, strict=True):
            example = {"height": 28, "width": 28, "depth": 1, "label": int(label), "image_raw": image.tobytes()}
            file.write(record_of(encode_example(example)))


WRITERS = {"npy": write_npy, "tar": write_tar, "tfrecords": write_tfrecords}


def main(arguments: list[str] | None = None) -> None:
    """Write the shards."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shards", type=int, default=4, help="files of each of train and test")
    parser.add_argument("--format", choices=tuple(WRITERS), default="npy")
    options = parser.parse_args(arguments)
    if options.shards < 1:
        parser.error(f"--shards is {options.shards} and must be 1 or more")
    write = WRITERS[options.format]
    if options.folder.is_file():
        parser.error(f"{options.folder} is a file; give a folder")
    fewest = len(real_digits(test=True)[1])
    if options.shards > fewest:
        parser.error(f"--shards is {options.shards} and there are {fewest} digits to test with: at most {fewest}")
    for part in ("train", "test"):
        images, labels = real_digits(test=part == "test")
        folder = options.folder / part
        folder.mkdir(parents=True, exist_ok=True)
        for shard in range(options.shards):
            write(
                folder,
                f"digits-{shard:04d}",
                images[shard :: options.shards],
                labels[shard :: options.shards],
            )
        print(f"{len(images)} digits for {part} in {options.shards} shards under {folder}")


if __name__ == "__main__":
    main()
