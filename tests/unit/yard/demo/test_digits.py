"""The demo's three digits: read without numpy, sent, drawn, and compared with what was answered."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy
import pytest

from tests.support.fakes.fake_serving import FakeServing
from tests.support.spec.endpoints import endpoint
from training.programs.make_digits import write_npy
from yard.account.stages import Stage
from yard.aws import Aws
from yard.demo import serving
from yard.demo.digits import different_digits, drawn, write_request
from yard.errors import UserError
from yard.project import Project
from yard.runs.runs import Run
from yard.serving import deploying, endpoints, invoking, models

IMAGES = numpy.random.default_rng(7).integers(0, 256, (5, 28, 28), dtype=numpy.uint8)
LABELS = numpy.array([4, 4, 1, 4, 9], dtype=numpy.int64)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = tmp_path / ".yard/demo/digits/test"
    folder.mkdir(parents=True)
    write_npy(folder, "digits-0000", IMAGES, LABELS)
    return cast(Project, SimpleNamespace(root=tmp_path))


def test_the_first_of_each_kind_are_what_numpy_has_written(project: Project, tmp_path: Path) -> None:
    found = different_digits(project, 3)
    assert [digit.label for digit in found] == [4, 1, 9]
    body = write_request(tmp_path / "request.json", found)
    assert numpy.array_equal(numpy.array(json.loads(body)), IMAGES[[0, 2, 4]])
    assert (tmp_path / "request.json").read_bytes() == body
    assert len(different_digits(project, 2)) == 2


def test_a_picture_is_dark_where_its_pixels_are(project: Project) -> None:
    (digit, *_) = different_digits(project, 1)
    white, black = (type(digit)(pixels=bytes([grey]) * 784, label=0) for grey in (0, 255))
    assert drawn([white]) == [""] * 10
    assert drawn([black]) == ["#" * 20] * 10
    assert drawn([white, black]) == [" " * 22 + "#" * 20] * 10


@pytest.mark.parametrize("verdict", ["served", "rolled back"])
def test_the_demo_tells_what_was_answered_or_that_the_model_does_not_serve(
    project: Project, monkeypatch: pytest.MonkeyPatch, verdict: str
) -> None:
    rates: list[Any] = []

    def admin(project: Project, verb: str, parameters: dict[str, Any]) -> dict[str, Any]:
        rates.extend(parameters.values())
        return {"clock": "1x"}

    scores = [[0, 0, 0, 0, 5, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 7, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 0, 3]]
    answer = invoking.Answer(body=json.dumps(scores).encode(), content_type="", variant="main", seconds=0.1)
    outcome = SimpleNamespace(verdict=verdict, says="an alarm rang")
    monkeypatch.setattr(serving, "admin", admin)
    monkeypatch.setattr(models, "of_run", lambda aws, name: f"s3://models/{name}.tar.gz")
    monkeypatch.setattr(
        endpoints, "endpoint", lambda project, name: endpoint(model={"s3": None, "run": "mnist-ddp:latest"})
    )
    monkeypatch.setattr(endpoints, "standing", lambda aws, name: SimpleNamespace(described={}))
    monkeypatch.setattr(deploying, "deploy", lambda *_, **__: SimpleNamespace(outcome=outcome))
    monkeypatch.setattr(invoking, "invoke", lambda aws, spec, request: answer)
    aws = FakeServing()
    aws.project.root = project.root
    asked = (cast(Aws, aws), cast(Run, SimpleNamespace(run_id="r")), Stage("8 of 8"))
    if verdict == "served":
        assert serving.serve(*asked) == "asked 4, 1, 9; answered 4, 7, 9: 2 of 3 read right"
    else:
        with pytest.raises(UserError, match="The endpoint digits does not serve the new model: an alarm rang"):
            serving.serve(*asked)
    assert rates == [60, "1x"], "the clock runs as before, however it ended"
