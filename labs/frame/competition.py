"""A code competition's files, as its page would offer them: questions, and a submission that answers none of them."""

import csv
from pathlib import Path

import numpy


def write(folder: Path, images: numpy.ndarray) -> None:
    """A row for each image, with an id and its pixels."""
    folder.mkdir(exist_ok=True)
    pixels = images.reshape(len(images), -1)
    with (folder / "test.csv").open("w", newline="", encoding="utf-8") as file:
        header = [["id", *range(pixels.shape[1])]]
        csv.writer(file).writerows([*header, *([number, *row] for number, row in enumerate(pixels))])
    with (folder / "sample_submission.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["id", "digit"], *([number, 0] for number in range(len(images)))])
