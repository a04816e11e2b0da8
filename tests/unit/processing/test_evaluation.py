"""Evaluation: the metrics against hand-worked values, and the whole program on a model that a run would leave."""

import json
import tarfile
from pathlib import Path

import numpy
import pytest
import torch

from training.processing import evaluation, pictures
from training.pytorch.outputs import save_model
from training.pytorch.programs import evaluate
from training.pytorch.programs.mnist import Net


def test_metrics_are_those_worked_by_hand() -> None:
    truth, predicted = numpy.array([0, 0, 0, 1, 1, 2]), numpy.array([0, 0, 1, 1, 1, 0])
    matrix = evaluation.confusion(truth, predicted, 3)
    assert matrix.tolist() == [[2, 1, 0], [0, 2, 0], [1, 0, 0]]
    found = evaluation.metrics(matrix)
    assert found["accuracy"] == pytest.approx(4 / 6)
    assert found["by_label"]["0"] == pytest.approx({"precision": 2 / 3, "recall": 2 / 3, "f1": 2 / 3})
    assert found["by_label"]["1"] == pytest.approx({"precision": 2 / 3, "recall": 1.0, "f1": 0.8})
    assert found["by_label"]["2"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0}
    assert found["macro_f1"] == pytest.approx((2 / 3 + 0.8) / 3)
    assert found["weighted_f1"] == pytest.approx((3 * 2 / 3 + 2 * 0.8) / 6)


def test_nothing_to_compare_is_an_error() -> None:
    with pytest.raises(ValueError, match="do not match, or there are none"):
        evaluation.confusion(numpy.zeros(0, int), numpy.zeros(0, int), 2)


def lay(base: Path, monkeypatch: pytest.MonkeyPatch, *, packed: bool) -> Net:
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(base))
    torch.manual_seed(1)
    net = Net(8)
    folder = base / "processing" / "input" / "model"
    save_model(folder, net.state_dict(), {"model": "training.pytorch.programs.mnist.Net", "width": 8})
    if packed:
        with tarfile.open(folder / "model.tar.gz", "w:gz") as archive:
            for name in ("model.pt", "model.json"):
                archive.add(folder / name, name)
                (folder / name).unlink()
    test = base / "processing" / "input" / "test"
    test.mkdir(parents=True)
    images = numpy.random.default_rng(1).integers(0, 256, (40, 28, 28)).astype(numpy.uint8)
    labels = evaluate.predict(net.eval(), images, 16)
    labels[:4] = (labels[:4] + 1) % 10
    for number in range(2):
        numpy.save(test / f"d-{number}-images.npy", images[number::2])
        numpy.save(test / f"d-{number}-labels.npy", labels[number::2])
    return net


@pytest.mark.parametrize("packed", [False, True])
def test_a_runs_model_is_evaluated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool) -> None:
    lay(tmp_path, monkeypatch, packed=packed)
    evaluate.main([])
    folder = tmp_path / "processing" / "output" / "report"
    report = json.loads((folder / "evaluation.json").read_text())
    assert report["metrics"]["accuracy"] == pytest.approx(0.9)
    assert report["multiclass_classification_metrics"]["accuracy"]["value"] == pytest.approx(0.9)
    assert (tmp_path / "output" / "message").read_text() == "accuracy 0.9000 on 40 samples"
    assert (folder / "confusion.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(pictures.PictureError, match="not a grey one"):
        pictures.read(folder / "confusion.png")


def test_a_model_that_is_not_good_enough_fails_the_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay(tmp_path, monkeypatch, packed=False)
    with pytest.raises(SystemExit):
        evaluate.main(["--at-least", "0.95"])
    assert (tmp_path / "output" / "message").read_text() == "accuracy 0.9000 on 40 samples, below 0.95"


def test_another_model_and_no_model_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay(tmp_path, monkeypatch, packed=False)
    folder = tmp_path / "processing" / "input" / "model"
    (folder / "model.json").write_text('{"model": "x.Y", "width": 8}')
    with pytest.raises(SystemExit, match=r"describes 'x\.Y', and this evaluates mnist\.Net"):
        evaluate.main([])
    (folder / "model.pt").unlink()
    with pytest.raises(SystemExit, match=r"holds no model\.pt and 0 model\.tar\.gz"):
        evaluate.main([])
