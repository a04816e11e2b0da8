"""Models that come without code answer as the model itself does."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import joblib
import numpy
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from contract.refusal import RequestError
from serving.ask import Answer, Ask
from serving.engines import choose
from serving.engines.errors import Unservable
from serving.engines.onnx import OnnxEngine
from serving.engines.shapes import rows_of
from serving.handler import ArrayHandler
from training.pytorch.outputs import save_model
from training.pytorch.programs.linear import Regression
from training.pytorch.programs.mnist import Net, scale


def load(folder: Path) -> ArrayHandler:
    found = choose.load(folder, accept="application/json", slots=1)
    assert isinstance(found, ArrayHandler)
    return found


def ask(rows: object, number: int = 1) -> Ask:
    return Ask(number=number, kind="", accept="", identity="i", headers={}, body=json.dumps(rows).encode())


def test_the_digits_network_takes_pictures_as_they_were_trained_on(tmp_path: Path) -> None:
    torch.manual_seed(1)
    net = Net(16).eval()
    save_model(tmp_path, net.state_dict(), {"model": "training.pytorch.programs.mnist.Net", "width": 16})
    pictures = torch.randint(0, 256, (3, 28, 28), dtype=torch.uint8)
    with torch.inference_mode():
        wanted = net(scale(pictures)).numpy()
    handler = load(tmp_path)
    for rows in (pictures.tolist(), pictures.flatten(1).tolist()):
        answer = handler.answer(ask(rows))
        numpy.testing.assert_allclose(json.loads(answer.body), wanted, atol=1e-5)
    one = json.loads(handler.answer(ask(pictures[0].tolist())).body)
    numpy.testing.assert_allclose(one, wanted[:1], atol=1e-5)
    with pytest.raises(RequestError, match=r"rows of 28 x 28, and the request has the shape \[1, 3\]"):
        handler.answer(ask([[1, 2, 3]]))


def test_the_regression_of_tables(tmp_path: Path) -> None:
    net = Regression(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])).eval()
    save_model(tmp_path, net.state_dict(), {"model": "training.pytorch.programs.linear.Regression", "features": 2})
    rows = [[0.5, 1.5], [2.5, 3.5]]
    with torch.inference_mode():
        wanted = net(torch.tensor(rows)).numpy()
    numpy.testing.assert_allclose(json.loads(load(tmp_path).answer(ask(rows)).body), wanted, atol=1e-6)


def test_torchscript_and_exported_programs(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).eval()
    rows = torch.randn(2, 3)
    with torch.inference_mode():
        wanted = net(rows).numpy()
    (tmp_path / "script").mkdir()
    torch.jit.save(torch.jit.trace(net, rows), tmp_path / "script" / "model.pt")
    (tmp_path / "exported").mkdir()
    sizes = {0: torch.export.Dim("rows", min=1, max=64)}
    torch.export.save(torch.export.export(net, (rows,), dynamic_shapes=(sizes,)), tmp_path / "exported" / "model.pt2")
    for name in ("script", "exported"):
        numpy.testing.assert_allclose(
            json.loads(load(tmp_path / name).answer(ask(rows.tolist())).body), wanted, atol=1e-5
        )


@pytest.fixture
def tables(tmp_path: Path) -> ArrayHandler:
    values = numpy.random.default_rng(0).normal(size=(60, 4))
    joblib.dump(LogisticRegression().fit(values, values[:, 0] > 0), tmp_path / "model.joblib")
    return load(tmp_path)


def test_a_batch_answers_each_request_with_its_own_rows(tables: ArrayHandler) -> None:
    asks = [
        ask([[9, 0, 0, 0]], 1),
        ask([[1, 2]], 2),
        ask([[-9, 0, 0, 0], [9, 0, 0, 0]], 3),
        ask({"not": "a table"}, 4),
        ask([-9, 0, 0, 0], 5),
    ]
    answers = tables.answer_many(asks)
    assert all(isinstance(answer, Answer) for answer in answers)
    found = [(answer.status, json.loads(answer.body)) for answer in answers if isinstance(answer, Answer)]
    assert [found[0], found[2], found[4]] == [(200, [True]), (200, [False, True]), (200, [False])]
    assert found[1][0] == found[3][0] == 400
    assert "4 columns" in found[1][1]["error"]


@pytest.mark.parametrize(
    "files, said",
    [
        ({}, "(none)"),
        ({"a.onnx": "", "b.joblib": ""}, "several models, a.onnx, b.joblib"),
        ({"model.pt": "no zip"}, "weights alone, and no code that makes the model"),
    ],
)
def test_what_cannot_be_served_is_refused_with_what_to_do(files: dict[str, str], said: str, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(Unservable) as raised:
        choose.load(tmp_path, accept="application/json", slots=1)
    assert said in str(raised.value) and "code/inference.py" in str(raised.value)


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    (tmp_path / "model.onnx").write_text("")
    with pytest.raises(Unservable, match=r"model\.onnx needs the package onnxruntime, which this image lacks"):
        choose.load(tmp_path, accept="application/json", slots=1)


def test_rows_find_the_shape_of_the_model() -> None:
    for given in ((5, 2, 3), (2, 3), (5, 6), (6,), (5, 3, 2)):
        found = rows_of(numpy.zeros(given), (2, 3))
        assert found.shape == (given[0] if given[0] == 5 else 1, 2, 3)
    assert rows_of(numpy.zeros((4, 7)), (None,)).shape == (4, 7)
    with pytest.raises(RequestError, match="rows of any x 3"):
        rows_of(numpy.zeros((4, 7)), (None, 3))


class Session:
    """What the engine asks of ONNX Runtime's session."""

    def __init__(self, shape: list[object], kind: str = "tensor(float)") -> None:
        self._inputs = [SimpleNamespace(name="x", shape=shape, type=kind)]

    def get_inputs(self) -> list[SimpleNamespace]:
        return self._inputs

    def get_outputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name="y", type="tensor(float)"), SimpleNamespace(name="z", type="seq(map)")]

    def run(self, outputs: list[str], given: dict[str, numpy.ndarray]) -> list[numpy.ndarray]:
        assert outputs == ["y"] and given["x"].dtype == numpy.float32
        return [given["x"] * 2]


def test_an_onnx_session_gets_its_type_and_shape() -> None:
    engine = OnnxEngine(Session(["rows", 2]), "model.onnx")
    assert engine.batch > 1
    assert engine.predict(engine.prepare([[1, 2], [3, 4]])).tolist() == [[2, 4], [6, 8]]
    lone = OnnxEngine(Session([1, 2]), "model.onnx")
    assert lone.batch == 1
    with pytest.raises(RequestError, match="1 row at a time, and the request has 2"):
        lone.predict(lone.prepare([[1, 2], [3, 4]]))
    with pytest.raises(Unservable, match=r"takes x \(tensor\(string\)\)"):
        OnnxEngine(Session([None], "tensor(string)"), "model.onnx")


def test_a_table_takes_sparse_rows(tmp_path: Path) -> None:
    random = numpy.random.default_rng(0)
    values = random.normal(size=(40, 4))
    model = LogisticRegression().fit(values, values[:, 0] > 0)
    joblib.dump(model, tmp_path / "model.joblib")
    given = Ask(number=1, kind="text/libsvm", accept="", identity="i", headers={}, body=b"0:3\n1 1:2 3:-1\n")
    wanted = model.predict([[3, 0, 0, 0], [0, 2, 0, -1]])
    assert json.loads(load(tmp_path).answer(given).body) == wanted.tolist()
