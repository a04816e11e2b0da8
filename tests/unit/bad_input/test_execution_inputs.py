"""Inputs of executions that somebody started by hand: preflight refuses each in lines, before anything bills."""

from typing import Any

import pytest

from tests.support.fakes.fake_aws import FakeAws
from tests.support.preflights import launch

NOT_TABLES: list[Any] = [None, 0, 1.5, True, "", "x", [], [1], [{}], "{}", "\ud800", "x" * 100_000, [["x"] * 1000] * 10]
WRONG: list[dict[str, Any]] = [
    {"instance_count": 0},
    {"instance_count": -1},
    {"instance_count": "2"},
    {"instance_count": 2.0},
    {"instance_count": True},
    {"instance_count": 10**30},
    {"instance_count": [2]},
    {"instance_count": {"a": 1}},
    {"instance_type": "m5"},
    {"instance_type": ""},
    {"instance_type": 5},
    {"instance_type": "ml.m5.xlarge\n"},
    {"max_runtime": "soon"},
    {"max_runtime": -5},
    {"max_runtime": "9" * 4000 + "h"},
    {"max_runtime": []},
    {"spot": "yes"},
    {"spot": 1},
    {"volume": "much"},
    {"volume": 0},
    {"cap_usd": -1},
    {"cap_usd": float("nan")},
    {"cap_usd": float("inf")},
    {"cap_usd": "5"},
    {"hyperparameters": []},
    {"hyperparameters": 5},
    {"hyperparameters": {"a": None}},
    {"hyperparameters": {"a": []}},
    {"hyperparameters": {"a": {"b": 1}}},
    {"hyperparameters": {"a": "x\ny"}},
    {"hyperparameters": {"a": "\0"}},
    {"hyperparameters": {"a": "\ud800"}},
    {"hyperparameters": {"\ud800": 1}},
    {"hyperparameters": {"a": float("nan")}},
    {"hyperparameters": {"h" * 300: 1}},
    {"hyperparameters": {f"h{number}": 1 for number in range(200)}},
    {"hyperparameters": {"a": "x" * 300_000}},
    {"environment": "A=1"},
    {"environment": {"A": 1}},
    {"environment": {"A B": "x"}},
    {"environment": {"": "x"}},
    {"environment": {"A": "x" * 1000}},
    {"environment": {"A": "\ud800"}},
    {"environment": {"A": "\0"}},
    {"environment": {f"A{number}": "x" for number in range(500)}},
    {"run_id": ""},
    {"run_id": 5},
    {"run_id": {"a": 1}},
    {"run_id": "../../x"},
    {"run_id": "a b"},
    {"run_id": "x" * 100},
    {"run_id": "x\n"},
    {"git_commit": "HEAD"},
    {"git_commit": 5},
    {"git_dirty": "no"},
    {"source_sha256": "x"},
    {"source_sha256": "0" * 63},
    {"colour": "red"},
    {"": 1},
    {"instance_cuont": 2},
    {"a\nb": 1},
    {"\x1b[2J": 1},
    {"k" * 100_000: 1},
    {f"k{number}": 1 for number in range(5000)},
]


@pytest.mark.parametrize("given", [*NOT_TABLES, *WRONG], ids=lambda given: ascii(given)[:50])
def test_a_wrong_input_is_refused_in_lines(given: Any) -> None:
    aws = FakeAws()
    aws.prices = {"ml.g5.xlarge": 2.0, "ml.g6.xlarge": 1.0}
    refused = launch(aws, given)["refused"] if given is not None else {"cause": "input"}
    lines = str(refused["cause"]).splitlines()
    assert 1 <= len(lines) <= 120
    assert all(0 < len(line) <= 1000 and line.isprintable() for line in lines)
    assert not aws.jobs
