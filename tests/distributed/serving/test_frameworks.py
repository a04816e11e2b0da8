"""Models of frameworks that only images have, in the images' own environments."""

import json
import os
import subprocess
from pathlib import Path

import numpy
import pytest

from embedded.nodes import image_environment
from tests.support.serving import framework_models
from tests.support.serving.server import ROOT, started


@pytest.mark.slow
@pytest.mark.parametrize("image, wanted", [("xgboost", {"xgboost"}), ("tensorflow", {"saved_model", "keras"})])
def test_a_model_without_code_answers_as_its_framework_does(image: str, wanted: set[str], tmp_path: Path) -> None:
    environment = image_environment.ensure(ROOT / "containers" / image / "requirements.txt")
    python = str(environment / "bin" / "python")
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([python, framework_models.__file__, str(tmp_path)], env=environ, check=True)
    expected = json.loads((tmp_path / "expected.json").read_text())
    assert set(expected) == wanted
    for name, answers in expected.items():
        with started(tmp_path / name, {"SAGEMAKER_MODEL_SERVER_WORKERS": "2"}, python=python) as server:
            found = server.invoke(json.dumps(framework_models.ROWS.tolist()).encode()).json
            for output, values in answers.items():
                numpy.testing.assert_allclose(found[output] if output else found, values, atol=1e-5)
