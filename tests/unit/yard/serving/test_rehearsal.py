"""A rehearsal passes when the bad model is gone and no request was lost, and says what went wrong otherwise."""

import io
import tarfile
from typing import Any

import pytest

from tests.support.spec.endpoints import endpoint
from yard.errors import UserError
from yard.serving.load import ANSWERED, LOST, MODEL_ERROR, Sample
from yard.serving.rehearsal import Rehearsal, bad_archive, place_of, refuse, told


def rehearsal(verdict: str = "rolled back", after: str = "old", *outcomes: str) -> Rehearsal:
    samples = tuple(
        Sample(began=number, seconds=0.1, outcome=one, variant="", detail="503")
        for number, one in enumerate(outcomes or (ANSWERED, MODEL_ERROR, ANSWERED))
    )
    return Rehearsal(before="old", after=after, verdict=verdict, events=(), samples=samples)


def test_errors_of_the_bad_model_are_no_lost_requests() -> None:
    found = rehearsal()
    assert found.problems == []
    assert told(found) == [
        "3 requests: 2 answered, 1 by the bad model, 0 lost",
        "passed: the bad model is gone, and no request was lost",
    ]


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (rehearsal("served", "new"), "the bad model is in service"),
        (rehearsal("rolled back", "new"), "new is in service, and old was before"),
        (rehearsal("failed"), "the deployment did not end"),
        (rehearsal("rolled back", "old", ANSWERED, LOST, ANSWERED), "1 of 3 requests were lost; the first: 503"),
        (rehearsal("rolled back", "old", ANSWERED, MODEL_ERROR), "still answered by the bad model"),
    ],
)
def test_what_went_wrong_is_said(found: Rehearsal, says: str) -> None:
    (problem,) = found.problems
    assert says in problem


def test_after_a_silent_rollback_another_configuration_of_the_old_model_serves() -> None:
    assert rehearsal("silently rolled back", "old-again").problems == []


def test_the_bad_model_is_an_archive_whose_code_fails_every_request() -> None:
    with tarfile.open(fileobj=io.BytesIO(bad_archive())) as archive:
        code = archive.extractfile("code/inference.py")
        assert code is not None
        known: dict[str, Any] = {}
        exec(code.read(), known)
    assert known["model_fn"]("/opt/ml/model") is None
    with pytest.raises(RuntimeError, match="for a rehearsal"):
        known["predict_fn"]([1], None)


def test_it_lies_where_the_endpoint_s_role_may_read() -> None:
    of_run = endpoint(model={"s3": None, "run": "mnist-ddp:latest"})
    assert place_of(of_run, "s3://artifacts/runs/a/b/model.tar.gz").startswith("s3://artifacts/runs/rehearsal-")
    assert place_of(endpoint(), "s3://artifacts/models/digits/model.tar.gz").startswith(
        "s3://artifacts/models/digits/rehearsal-"
    )


@pytest.mark.parametrize(
    ("tables", "says"),
    [({}, "No alarm would roll digits back"), ({"kind": "asynchronous"}, "is of kind asynchronous")],
)
def test_what_nothing_would_roll_back_is_not_rehearsed(tables: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        refuse(endpoint(**tables))
    refuse(endpoint(alarms={"errors_5xx_percent": 1}))
