"""Lab 1: what its script reads, and what it hands in."""

import csv
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch

CODE = Path(__file__).resolve().parents[3] / "labs/01-journey/code"


@pytest.fixture
def code(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The folder as a job's nodes and a competition's notebook have it: on the path."""
    monkeypatch.syspath_prepend(str(CODE))
    yield importlib.import_module
    for name in ("digits", "infer"):
        sys.modules.pop(name, None)


def test_every_file_of_the_channel_is_read_in_the_order_of_names(code: Any, tmp_path: Path) -> None:
    for number in (1, 0):
        images = numpy.full((2, 28, 28), 255 * number, numpy.uint8)
        numpy.savez(tmp_path / f"digits-{number}.npz", images=images, labels=numpy.array([number, number + 2]))
    pixels, labels = code("digits").read(str(tmp_path), torch.device("cpu"))
    assert labels.tolist() == [0, 2, 1, 3]
    assert pixels.amax((1, 2)).tolist() == [0, 0, 1, 1]


def test_turned_digits_are_added_behind_the_others(code: Any) -> None:
    pixels = torch.zeros(1, 28, 28)
    pixels[0, 4, 14] = 1  # above the middle
    more, labels = code("digits").with_turned(pixels, torch.tensor([7]), 45)
    assert (more.shape, labels.tolist()) == ((3, 28, 28), [7, 7, 7])
    assert torch.equal(more[0], pixels[0])
    columns = [int(image.amax(0).argmax()) for image in more]
    assert columns[1] > columns[0] > columns[2], "one is turned to the right and one to the left"


def test_the_submission_has_the_models_answers_under_the_questions_ids(code: Any, tmp_path: Path) -> None:
    torch.manual_seed(1)
    net = code("digits").make_net()
    torch.save(net.state_dict(), tmp_path / "model.pt")
    images = numpy.random.default_rng(1).integers(0, 256, (5, 784))
    with (tmp_path / "test.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["id", *range(784)], *([f"q{n}", *row] for n, row in enumerate(images))])
    code("infer").predict(str(tmp_path), str(tmp_path), str(tmp_path / "submission.csv"))
    with (tmp_path / "submission.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    wanted = net(torch.from_numpy(images).float() / 255).argmax(1).tolist()
    assert [(row["id"], int(row["digit"])) for row in rows] == [(f"q{n}", digit) for n, digit in enumerate(wanted)]
