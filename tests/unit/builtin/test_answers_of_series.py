"""What the stand-in for DeepAR answers, and which requests it refuses."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from contract.refusal import RequestError
from serving.worker.loading import LoadError
from serving.worker.program import ProgramHandler
from tests.support.training.builtin_jobs import said, served, trained

LINES = "application/jsonlines"
SMALL = {"time_freq": "H", "context_length": "12", "prediction_length": "6", "epochs": "30", "num_cells": "16"}
SMALL |= {"num_layers": "1", "learning_rate": "0.02", "mini_batch_size": "32", "likelihood": "gaussian"}


def wave(steps: int, **more: Any) -> dict[str, Any]:
    target = [round(30 * (1 + 0.8 * math.sin(math.tau * step / 12)), 1) for step in range(steps)]
    return {"start": "2024-01-01 00:00:00", "target": target, **more}


def model(base: Path, series: list[dict[str, Any]], **more: str) -> Path:
    return trained(base, "deepar", SMALL | more, train=("json", "\n".join(map(json.dumps, series))))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model(tmp_path_factory.mktemp("plain"), [wave(96)] * 4)


@pytest.fixture(scope="module")
def handler(plain: Path) -> ProgramHandler:
    return served("deepar", plain)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> ProgramHandler:
    """A model of series with two categories and one feature: whether the next step is doubled."""
    series = [wave(48, cat=[one, 0], dynamic_feat=[[one] * 48]) for one in (0, 1)]
    return served("deepar", model(tmp_path_factory.mktemp("told"), series, epochs="1"))


def test_a_series_goes_on_as_it_went(handler: ProgramHandler) -> None:
    torch.manual_seed(0)
    whole = wave(54)["target"]
    [one] = json.loads(said(handler, {"instances": [{**wave(54), "target": whole[:48]}]}).body)["predictions"]
    assert list(one) == ["mean", "quantiles"] and list(one["quantiles"]) == [f"0.{tenth}" for tenth in range(1, 10)]
    assert len(one["mean"]) == 6
    error = math.sqrt(math.fsum((a - b) ** 2 for a, b in zip(one["mean"], whole[48:], strict=True)) / 6)
    assert error < 0.7 * 30 * 0.8 / math.sqrt(2), "better than the wave's own mean"
    for low, high in zip(one["quantiles"]["0.1"], one["quantiles"]["0.9"], strict=True):
        assert low < high


def test_what_the_configuration_asks_for_is_said(handler: ProgramHandler) -> None:
    wanted = {"num_samples": 7, "output_types": ["samples", "quantiles"], "quantiles": ["0.5", 0.25]}
    body = {"instances": [wave(5), wave(20)], "configuration": wanted}
    for one in json.loads(said(handler, body).body)["predictions"]:
        assert list(one) == ["quantiles", "samples"] and list(one["quantiles"]) == ["0.5", "0.25"]
        assert [len(path) for path in one["samples"]] == [6] * 7
        middle = [sorted(steps)[3] for steps in zip(*one["samples"], strict=True)]
        assert one["quantiles"]["0.5"] == pytest.approx(middle)


def test_missing_values_may_stand_in_a_series(handler: ProgramHandler) -> None:
    series = wave(20)
    series["target"][-3:] = [None, "NaN", 12.5]
    [one] = json.loads(said(handler, {"instances": [series]}).body)["predictions"]
    assert all(math.isfinite(value) for value in one["mean"])


def test_a_line_is_answered_by_the_variables_configuration(plain: Path) -> None:
    """As a batch transform sends it: SplitType Line, BatchStrategy SingleRecord."""
    wanted = json.dumps({"num_samples": 5, "output_types": ["mean"]})
    handler = served("deepar", plain, {"DEEPAR_INFERENCE_CONFIG": wanted})
    answer = said(handler, json.dumps(wave(30)).encode() + b"\n", LINES)
    assert answer.kind == LINES and list(json.loads(answer.body)) == ["mean"] and b"\n" not in answer.body
    [one] = json.loads(said(handler, {"instances": [wave(30)]}).body)["predictions"]
    assert list(one) == ["mean", "quantiles"], "the variable is for lines alone"


def test_categories_and_features_reach_the_network(told: ProgramHandler) -> None:
    series = [wave(30, cat=[one, 0], dynamic_feat=[[one] * 36]) for one in (0, 1)]
    answer = json.loads(said(told, {"instances": series, "configuration": {"output_types": ["mean"]}}).body)
    first, second = (one["mean"] for one in answer["predictions"])
    assert first != second


@pytest.mark.parametrize("word", ["", "ignore"])
def test_features_that_are_switched_off_are_none(tmp_path: Path, word: str) -> None:
    series = [wave(48, dynamic_feat=[[0] * 48], cat=0)]
    handler = served("deepar", model(tmp_path, series, epochs="1", num_dynamic_feat=word, cardinality=word))
    assert said(handler, {"instances": [wave(20)]}).status == 200


@pytest.mark.parametrize(
    ("instance", "problem"),
    [
        ({"target": [1]}, "instance 1 is no series: it has no start, a text, with a target, a list"),
        (wave(3) | {"start": "yesterday"}, "instance 1 is no series: Invalid isoformat string: 'yesterday'"),
        (wave(3) | {"start": "2024-01-01T00:00:00+01:00"}, "and may have no time zone"),
        (wave(3) | {"start": "9999-12-31 23:00:00"}, "instance 1 is no series: date value out of range"),
        (wave(3) | {"target": [1, "x"]}, "instance 1 is no series: could not convert string to float: 'x'"),
        (wave(3) | {"target": [[1]]}, "instance 1 is no series: float() argument must be"),
        (wave(0), "instance 1 has 0 values, none of which is there"),
        (wave(2) | {"target": [None, "NaN"]}, "instance 1 has 2 values, none of which is there"),
        (wave(3, cat=0), "instance 1 has 1 cat, and the model was trained without"),
        (wave(3, dynamic_feat=[[0] * 9]), "instance 1 has 1 dynamic_feat, and the model was trained without"),
    ],
)
def test_what_is_wrong_with_a_series_is_said(handler: ProgramHandler, instance: Any, problem: str) -> None:
    with pytest.raises(RequestError) as raised:
        said(handler, {"instances": [instance]})
    assert problem in str(raised.value)


@pytest.mark.parametrize(
    ("instance", "problem"),
    [
        (wave(3, dynamic_feat=[[0] * 9]), "instance 1 has 0 cat, and the model was trained with 2"),
        (wave(3, cat=[0, 0]), "instance 1 has 0 dynamic_feat, and the model was trained with 1"),
        (wave(3, cat=[0, 1], dynamic_feat=[[0] * 9]), "instance 1: cat 2 is 1, and the model knows 0 to 0"),
        (
            wave(3, cat=[0, 0], dynamic_feat=[[0] * 3]),
            "target has 3 values, and dynamic_feat 3; it needs 9, as 6 steps are forecast",
        ),
    ],
)
def test_what_the_model_was_trained_with_must_be_there(told: ProgramHandler, instance: Any, problem: str) -> None:
    with pytest.raises(RequestError) as raised:
        said(told, {"instances": [instance]})
    assert problem in str(raised.value)


@pytest.mark.parametrize(
    ("configuration", "problem"),
    [
        (3, "configuration is no object"),
        ({"samples": 3}, "configuration has samples; known: num_samples, output_types, quantiles"),
        ({"num_samples": 0}, "configuration.num_samples is 0, and must be a whole number from 1"),
        ({"output_types": ["median"]}, "must be a list of mean, quantiles, samples"),
        ({"output_types": "mean"}, "must be a list of mean, quantiles, samples"),
        ({"quantiles": ["1.5"]}, "configuration.quantiles is ['1.5'], and must be a list such as"),
        ({"quantiles": ["half"]}, "configuration.quantiles is ['half']"),
    ],
)
def test_what_is_wrong_with_a_configuration_is_said(
    handler: ProgramHandler, plain: Path, configuration: Any, problem: str
) -> None:
    with pytest.raises(RequestError) as raised:
        said(handler, {"instances": [wave(3)], "configuration": configuration})
    assert problem in str(raised.value)
    with pytest.raises(LoadError) as refused:
        served("deepar", plain, {"DEEPAR_INFERENCE_CONFIG": json.dumps(configuration)})
    assert str(refused.value).startswith("DEEPAR_INFERENCE_CONFIG cannot be followed: ")


@pytest.mark.parametrize(
    ("kind", "body", "status", "problem"),
    [
        ("text/csv", b"1,2", 415, "the content type 'text/csv' is not read here"),
        (
            LINES,
            b"{}\n{}",
            400,
            "a request in JSON Lines holds one series, and this one 2: transform with",
        ),
        ("application/json", b"[]", 400, "the body is no object with a list of instances"),
    ],
)
def test_what_is_wrong_with_a_request_is_said(
    handler: ProgramHandler, kind: str, body: bytes, status: int, problem: str
) -> None:
    with pytest.raises(RequestError) as raised:
        said(handler, body, kind)
    assert problem in str(raised.value) and raised.value.status == status
