"""What decides how many records an instance gets in a request: the request, the container, the defaults."""

from typing import Any

import pytest

from embedded.services.sagemaker.jobs.running.failures import JobFailure
from embedded.services.sagemaker.serving.containers.http import Answer
from embedded.services.sagemaker.transform.objects import Source, dealt
from embedded.services.sagemaker.transform.parameters import Parameters, own_parameters, variables

_OWN = {"MaxConcurrentTransforms": 8, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 10}


@pytest.mark.parametrize(
    ("request_", "own", "said"),
    [
        ({}, {}, "MaxConcurrentTransforms=1, MaxPayloadInMB=6, BatchStrategy=MULTI_RECORD"),
        ({}, _OWN, "MaxConcurrentTransforms=8, MaxPayloadInMB=10, BatchStrategy=SINGLE_RECORD"),
        (
            {"MaxConcurrentTransforms": 2, "MaxPayloadInMB": 3, "BatchStrategy": "MultiRecord"},
            _OWN,
            "MaxConcurrentTransforms=2, MaxPayloadInMB=3, BatchStrategy=MULTI_RECORD",
        ),
        # 0 asks the container
        (
            {"MaxConcurrentTransforms": 0},
            _OWN,
            "MaxConcurrentTransforms=8, MaxPayloadInMB=10, BatchStrategy=SINGLE_RECORD",
        ),
    ],
)
def test_the_request_comes_before_the_container_and_the_defaults(
    request_: dict[str, Any], own: dict[str, Any], said: str
) -> None:
    assert Parameters.of(request_, own).said == said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MaxConcurrentTransforms", -1),
        ("MaxConcurrentTransforms", "many"),
        ("MaxConcurrentTransforms", [8]),
        ("MaxPayloadInMB", "6 MB"),
        ("MaxPayloadInMB", float("inf")),
        ("BatchStrategy", "RECORDS"),
        ("BatchStrategy", 1),
    ],
)
def test_a_container_that_says_nonsense_fails_the_job_by_name(name: str, value: Any) -> None:
    with pytest.raises(JobFailure, match=f"AlgorithmError: /execution-parameters says {name} "):
        Parameters.of({}, {name: value})


@pytest.mark.parametrize(
    ("status", "body", "found"),
    [(200, b'{"a": 1}', {"a": 1}), (404, b"{}", {}), (200, b"<html>", {}), (200, b"[]", {})],
)
def test_a_container_may_say_nothing_of_itself(status: int, body: bytes, found: dict[str, Any]) -> None:
    assert own_parameters(Answer(status=status, headers={}, body=body)) == found


def test_what_the_request_leaves_open_is_no_variable() -> None:
    assert variables({}) == {"SAGEMAKER_BATCH": "true"}


def test_every_object_goes_to_one_instance() -> None:
    sources = [Source(bucket="b", key=str(number), below="") for number in range(7)]
    shares = dealt(sources, 3)
    assert [len(share) for share in shares] == [3, 2, 2]
    assert sorted((one for share in shares for one in share), key=lambda one: one.key) == sources
