"""An execution's input may be anything: preflight answers with a request or with sentences."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings

from tests.support.fakes.fake_aws import FakeAws
from tests.support.preflights import launch
from tests.support.strange import JSON, nearly

WHOLE = {
    "instance_count": 2,
    "instance_type": "ml.g5.xlarge",
    "spot": False,
    "max_runtime": "1h",
    "hyperparameters": {"lr": 0.1, "name": "x", "deep": True},
    "environment": {"MODE": "fast"},
    "git_commit": "abc1234",
    "git_dirty": False,
    "run_id": "20261121-073000-ab12",
}


def answers(said: Any) -> dict[str, Any]:
    aws = FakeAws()
    aws.prices = {"ml.g5.xlarge": 2.0, "ml.g6.xlarge": 1.0}
    answer = launch(aws, said)
    json.dumps(answer).encode()
    assert ("request" in answer) != ("refused" in answer)
    if "refused" in answer:
        assert answer["refused"]["cause"].strip()
        answer["refused"]["cause"].encode()
        answer["refused"]["text"].encode()
    return answer


@given(said=JSON)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_any_input_gets_an_answer(said: Any) -> None:
    answers(said)


@given(said=nearly(WHOLE))
@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@example({"hyperparameters": {"a": "\ud800"}})
@example({"environment": {"A": "\ud800"}})
@example({"hyperparameters": {"\ud800": 1}})
@example({"\ud800": 1})
def test_a_strange_input_gets_an_answer(said: Any) -> None:
    answers(said)


def test_half_a_letter_is_refused_by_name() -> None:
    answer = answers({"hyperparameters": {"a": "\ud800"}})
    assert "hyperparameters.a" in answer["refused"]["cause"]


@pytest.mark.parametrize("depth", [500, 20_000])
def test_a_deep_input_is_refused_in_one_line(depth: int) -> None:
    said: Any = {}
    for _ in range(depth):
        said = {"a": said}
    answer = launch(FakeAws(), said)
    assert "50 deep is the most" in answer["refused"]["cause"]
    assert len(answer["refused"]["cause"]) < 1000
    said = []
    for _ in range(depth):
        said = [said]
    for strange in (said, {"hyperparameters": {"a": said}}, {"instance_count": said}):
        assert len(launch(FakeAws(), strange)["refused"]["cause"]) < 1000
