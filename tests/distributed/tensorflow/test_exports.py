"""What is exported answers in a fresh process as the trained network did."""

import json
from pathlib import Path
from typing import Any

import numpy
import pytest

from tests.support.training.tensorflow import run_case

pytestmark = pytest.mark.slow
GIVEN = {"digits": ("images", "float32", 10), "images": ("images", "float32", 10), "text": ("texts", "string", 3)}
"""What a request's inputs are called, of what type they are, and how many classes the answer has."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all networks are exported to."""
    return tmp_path_factory.mktemp("exports")


@pytest.fixture(scope="module")
def trained(folder: Path) -> dict[str, Any]:
    """What each network said when it was exported."""
    found: dict[str, Any] = run_case("export", folder, *GIVEN)
    return found


@pytest.fixture(scope="module")
def loaded(folder: Path, trained: dict[str, Any]) -> dict[str, Any]:
    """What a process that has only the exports says."""
    found: dict[str, Any] = run_case("load", folder, *trained)
    return found


@pytest.mark.parametrize("name", GIVEN)
def test_both_exports_answer_as_the_trained_network_did(
    folder: Path, trained: dict[str, Any], loaded: dict[str, Any], name: str
) -> None:
    before, after = trained[name], loaded[name]
    for found in (after["scores"], after["keras"]):
        numpy.testing.assert_allclose(found, before["scores"], rtol=1e-4, atol=1e-5)
    numpy.testing.assert_allclose(after["alone"][0], after["scores"][0], rtol=1e-4, atol=1e-5)
    about = json.loads((folder / name / "model.json").read_text())
    assert before["digest"] == after["digest"] == about["weights_sha256"]


@pytest.mark.parametrize("name", GIVEN)
def test_the_signature_takes_what_requests_hold(loaded: dict[str, Any], name: str) -> None:
    given, dtype, classes = GIVEN[name]
    assert (loaded[name]["given"], loaded[name]["dtype"]) == (given, dtype)
    assert loaded[name]["answers"] == {"scores": [None, classes], "probabilities": [None, classes]}
    numpy.testing.assert_allclose(loaded[name]["probabilities"], 1.0, rtol=1e-5)
