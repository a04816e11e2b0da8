"""Write scikit-learn's real handwritten digits as small colour images, in TFRecords that lie as CIFAR-10's do.

python -m training.programs.make_images DIR --shards 4            # DIR/train/ and DIR/test/

CIFAR-10 itself is not free to hand on: what is learnt from these says that a job works, and nothing about it.
"""

import argparse
from pathlib import Path

import numpy

from training.data.tfrecord.example import encode_example
from training.data.tfrecord.records import record_of
from training.programs.arguments import positive
from training.programs.make_digits import real_digits


def paint(images: numpy.ndarray, *, seed: int) -> numpy.ndarray:
    """Digits [n, 28, 28] as images [n, 3, 32, 32]: each in a colour of its own on a ground of its own."""
    draw = numpy.random.default_rng(seed)
    ink = draw.uniform(0.6, 1.0, (len(images), 3, 1, 1))
    ground = draw.uniform(0.0, 0.3, (len(images), 3, 1, 1))
    shape = numpy.pad(images, ((0, 0), (2, 2), (2, 2))).astype(numpy.float64)[:, None] / 255
    return numpy.rint(255 * (ground + shape * (ink - ground))).astype(numpy.uint8)


def main(arguments: list[str] | None = None) -> None:
    """Write the shards."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shards", type=positive, default=4, help="files of each of train and test")
    options = parser.parse_args(arguments)
    if options.folder.is_file():
        parser.error(f"{options.folder} is a file; give a folder")
    fewest = len(real_digits(test=True)[1])
    if options.shards > fewest:
        parser.error(f"--shards is {options.shards} and there are {fewest} images to test with: at most {fewest}")
    for part in ("train", "test"):
        images, labels = real_digits(test=part == "test")
        painted = paint(images, seed=len(images))
        folder = options.folder / part
        folder.mkdir(parents=True, exist_ok=True)
        for shard in range(options.shards):
            with (folder / f"images-{shard:04d}.tfrecords").open("wb") as file:
                mine = slice(shard, None, options.shards)
                for image, label in zip(painted[mine], labels[mine], strict=True):
                    file.write(record_of(encode_example({"image": image.tobytes(), "label": int(label)})))
        print(f"{len(images)} images for {part} in {options.shards} shards under {folder}")


if __name__ == "__main__":
    main()
