"""What mnist-ddp learned, served by the runtime of our own image: behind the endpoint that ships, and in a batch."""

import json
from pathlib import Path

import numpy
import pytest

from tests.support.cloud.house import House
from tests.support.cloud.yard_command import Yard
from training.programs.make_digits import real_digits
from yard.runs import runs

pytestmark = pytest.mark.e2e
_FEWEST_RIGHT = 0.6
"""Of the test digits after three epochs; one answered by chance is right in a tenth."""


def test_a_trained_model_answers_an_endpoints_requests_and_a_transform_jobs(
    shipped: House, undisturbed: runs.Run, tmp_path: Path
) -> None:
    yard = Yard(env=shipped.cloud.env)
    images, labels = real_digits(test=True)
    digits = tmp_path / "digits.npy"
    numpy.save(digits, images)

    # The endpoint: one deploy, and every test digit in one request
    ended = yard.json("deploy", "digits", "--run", undisturbed.run_id, "--yes", "--json")
    assert (ended["verdict"], ended["status"]) == ("served", "InService")
    sent = yard("invoke", "digits", str(digits))
    assert "main answered" in sent.stderr
    online = numpy.array(json.loads(sent.stdout))
    assert online.shape == (len(images), 10)
    assert (online.argmax(axis=1) == labels).mean() > _FEWEST_RIGHT
    assert "serves with PyTorch" in yard("endpoint", "logs", "digits").stdout
    refused = yard("invoke", "digits", "--json", "[[1, 2]]", code=1)
    assert "the model takes rows of 28 x 28, and the request has the shape [1, 2]" in refused.stderr

    # One record by hand, through the endpoint
    yard("data", "sample", "digits-transform", str(tmp_path / "sample"))
    rows = sorted((tmp_path / "sample").rglob("*.jsonl"))
    tried = yard.json("transform", "try", "digits-transform", str(rows[0]), "--endpoint", "digits", "--json")
    assert json.loads(tried["result"])["SageMakerOutput"] == pytest.approx(online[0], abs=1e-3)
    yard("endpoint", "delete", "digits", "--yes")

    # The batch: one answer a row, beside its id. `latest` may be a later test's model, so only the truth is asked
    launched = yard.json("run", "digits-transform", "--yes", "--json")
    done = shipped.finish(runs.find(shipped.aws, launched["run"]))
    assert done.status == "SUCCEEDED", done.cause
    yard("outputs", "get", launched["run"], "--to", str(tmp_path / "out"))
    lines = [line for path in (tmp_path / "out").rglob("*.out") for line in path.read_text().splitlines()]
    answers = {one["id"]: one["SageMakerOutput"] for one in map(json.loads, lines)}
    assert len(lines) == len(answers) == len(images)
    offline = numpy.array([answers[number] for number in range(len(images))])
    assert (offline.argmax(axis=1) == labels).mean() > _FEWEST_RIGHT
