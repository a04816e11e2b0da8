"""The stand-in for DeepAR: series in, forecasts scored against what happened."""

import gzip
import json
import math
import random
from pathlib import Path

import pytest

from tests.support.training.builtin_jobs import metric, write_job
from training.builtin.__main__ import main
from training.builtin.job import Job
from training.builtin.series import read_series

SMALL = {"time_freq": "H", "context_length": "12", "prediction_length": "6", "epochs": "40", "num_cells": "16"}
SMALL |= {"num_layers": "1", "learning_rate": "0.02", "num_eval_samples": "20", "mini_batch_size": "32"}


def waves(count: int, steps: int, **more: object) -> tuple[str, str]:
    """Series that go up and down twice a day, each around its own height."""
    dice = random.Random(0)
    lines = []
    for one in range(count):
        height = 20 + 10 * one
        target = [
            round(height * (1 + 0.8 * math.sin(math.tau * step / 12))) + dice.randint(0, 1) for step in range(steps)
        ]
        lines.append(json.dumps({"start": "2024-01-01 00:00:00", "target": target, "cat": [one % 2], **more}))
    return "json", "\n".join(lines)


@pytest.mark.parametrize("likelihood", ["gaussian", "student-T", "negative-binomial", "deterministic-L1"])
def test_it_forecasts_better_than_the_mean(base: Path, capsys: pytest.CaptureFixture[str], likelihood: str) -> None:
    write_job(base, SMALL | {"likelihood": likelihood}, train=waves(4, 96), test=waves(4, 102))
    assert main(["deepar", "train"]) == 0
    said = capsys.readouterr().out
    assert "stands in for deepar" in said.splitlines()[0]
    # a wave of height h has the root mean square 0.8 h / sqrt(2) around its mean; the heights are 20 to 50
    spread = math.sqrt(sum((0.8 * height) ** 2 / 2 for height in (20, 30, 40, 50)) / 4)
    assert metric("deepar", "test:RMSE", said) < 0.7 * spread
    assert 0 < metric("deepar", "test:mean_wQuantileLoss", said) < 0.5
    losses = [line for line in said.splitlines() if "train loss" in line]
    assert len(losses) == 40
    assert metric("deepar", "train:final_loss", said) == min(float(line.rpartition("=")[2]) for line in losses)
    assert (base / "model" / "deepar.pt").is_file()


def test_shares_have_a_likelihood_of_their_own(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = [0.5 + 0.4 * math.sin(math.tau * step / 12) for step in range(96)]
    lines = json.dumps({"start": "2024-01-01", "target": target})
    write_job(base, SMALL | {"likelihood": "beta", "epochs": "3"}, train=("json", lines), test=("json", lines))
    assert main(["deepar", "train"]) == 0
    assert 0 < metric("deepar", "test:RMSE", capsys.readouterr().out) < 1


def test_a_search_ends_early_where_nothing_improves(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = SMALL | {"early_stopping_patience": "2", "learning_rate": "0", "epochs": "30"}
    write_job(base, given, train=waves(2, 48))
    assert main(["deepar", "train"]) == 0
    assert capsys.readouterr().out.count("train loss") < 15


def test_missing_values_months_and_gzip_are_read(base: Path) -> None:
    write_job(base, {"time_freq": "2M"}, train=("json.gz", ""))
    line = {"start": "2024-11-01", "target": [1, None, "NaN", 4], "dynamic_feat": [[0, 1, 2, 3]]}
    path = base / "input" / "data" / "train" / "part-0"
    path.rename(path.with_suffix(".json.gz")).write_bytes(gzip.compress(json.dumps(line).encode()))
    [series] = read_series(Job(base=base, hyperparameters={"time_freq": "2M"}, content_types={"train": None}), "train")
    assert [math.isnan(value) for value in series.target] == [False, True, True, False]
    months = [round((row[3] + 0.5) * 11) + 1 for row in series.calendar]
    assert months == [11, 1, 3, 5]
    assert series.features.tolist() == [[0, 1, 2, 3]]


@pytest.mark.parametrize(
    ("given", "table", "said"),
    [
        ({"time_freq": "5s"}, waves(1, 30), "time_freq is '5s'; it can be a number before M, W, D, H or min"),
        ({"likelihood": "poisson"}, waves(1, 30), "it can be student-T, gaussian, negative-binomial"),
        ({"likelihood": "beta"}, waves(1, 30), "series 1 of the channel train has values that the likelihood beta"),
        ({"cardinality": "[1]"}, waves(2, 30), "cardinality is [1], and cat of the channel train needs [2]"),
        ({}, ("parquet", ""), "the stand-in reads auto, json, json.gz, application/jsonlines"),
        ({}, ("json", "{}"), "line 1 of part-0 is no series: it has no start, a text, with a target, a list"),
        ({}, ("json", '{"start": "2024-01-01", "target": []}'), "has 0 values, of which 0 are missing; it needs 1"),
        ({}, waves(1, 3, dynamic_feat=[[1]]), "target has 3 values, and dynamic_feat 1"),
    ],
)
def test_what_the_user_can_change_is_a_customer_error(
    base: Path, given: dict[str, str], table: tuple[str, str], said: str
) -> None:
    write_job(base, SMALL | given, train=table)
    assert main(["deepar", "train"]) == 1
    assert said in (base / "output" / "failure").read_text()
