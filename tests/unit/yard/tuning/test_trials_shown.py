"""A search as people see it: the trials in a table, in lines and on one page, whatever the service says."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest

from shardyard.spec import receipts
from tests.support.fakes.fake_aws import failure
from yard.plots import parallel
from yard.tuning.follow import line, picture
from yard.tuning.page import page
from yard.tuning.trials import Search, Trial, as_json, of_receipt, read_search, rows, with_best_so_far


def trial(number: int, objective: float | None, **more: Any) -> Trial:
    values = {"lr": f"{10.0**-number}", "optimizer": "adam" if number % 2 else "sgd"}
    status = "Completed" if objective is not None else "InProgress"
    made = Trial(
        number=number,
        name=f"t-{number:03}",
        definition=None,
        status=status,
        objective=objective,
        hyperparameters=values,
    )
    return replace(made, **more)


def search(*objectives: float | None, goal: str = "Minimize", **more: Any) -> Search:
    trials = [trial(number, one) for number, one in enumerate(objectives, start=1)]
    known = [one for one in trials if one.objective is not None]
    best = (max if goal == "Maximize" else min)(known, key=lambda one: one.objective or 0.0).name if known else None
    made = Search(
        tuning_job="tiny-1",
        status="InProgress",
        strategy="Bayesian",
        metric="loss",
        goal=goal,
        max_jobs=9,
        trials=trials,
        best=best,
    )
    return with_best_so_far(replace(made, **more))


@pytest.mark.parametrize(
    ("goal", "best"),
    [("Minimize", [0.5, 0.5, 0.2, 0.2, 0.2]), ("Maximize", [0.5, 0.5, 0.5, 0.7, 0.7])],
)
def test_the_best_so_far_follows_the_goal_and_skips_trials_without_a_value(goal: str, best: list[float]) -> None:
    found = search(0.5, None, 0.2, 0.7, None, goal=goal)
    assert [one.best_so_far for one in found.trials] == best
    assert found.ended[0].objective == best[-1]


def test_rows_have_a_column_for_each_hyperparameter() -> None:
    found = rows(search(0.5, None))
    assert list(found[0]) == ["trial", "lr", "optimizer", "loss", "best_so_far", "state", "name"]
    assert [row["state"] for row in found] == ["best", "running"]


def test_definitions_have_a_column_where_there_are_several() -> None:
    one = search(0.5)
    found = rows(replace(one, trials=[replace(one.trials[0], definition="adam", hyperparameters={})]))
    assert found[0]["definition"] == "adam"


def test_a_line_says_what_a_trial_found_and_tried() -> None:
    found = search(0.5, 0.25)
    assert line(found.trials[1], found) == "   2  Completed  loss 0.25 (best 0.25)  lr=0.01, optimizer=sgd"
    blind = search(None)
    assert "no value" in line(blind.trials[0], blind)


def test_the_live_table_of_many_trials_shows_those_that_run_and_the_best() -> None:
    many = search(*(float(number) for number in range(60)), None)
    drawn = picture(many)
    assert drawn.row_count == 30
    first = list(drawn.columns[0].cells)
    assert first[0] == "1" and first[-1] == "61"


def test_the_page_is_well_formed_and_names_every_trial() -> None:
    text = page(search(0.5, None, 0.2, 0.7), job="tiny <b>", run_id="20261121-073000-ab12")
    figures = [ElementTree.fromstring(one) for one in re.findall(r"<figure>.*?</figure>", text, re.DOTALL)]
    assert len(figures) == 2
    circles = list(figures[0].iter("circle"))
    assert len(circles) >= 3, "a mark for each trial with a value"
    labels = [str(label.text) for label in figures[1].iter("text")]
    assert {"lr", "optimizer", "loss", "adam", "sgd"} <= set(labels)
    assert len(list(figures[1].iter("polyline"))) == 3
    assert "<b>" not in text and "tiny &lt;b&gt;" in text
    assert text.count("<tr>") == 5


def test_the_page_of_a_search_without_a_value_says_so() -> None:
    text = page(search(None, None), job="tiny", run_id="r")
    assert "No trial has ended with a value." in text


def test_an_axis_over_decades_is_logarithmic_and_one_of_words_is_even() -> None:
    lines = [
        parallel.Line(label=str(number), values={"lr": value, "kind": word}, badness=number / 2)
        for number, (value, word) in enumerate([("0.001", "a"), ("0.01", "b"), ("0.1", "c")])
    ]
    drawn = ElementTree.fromstring(parallel.draw(["lr", "kind"], lines))
    points = sorted(line.attrib["points"].split()[0].split(",")[1] for line in drawn.iter("polyline"))
    heights = sorted(map(float, points))
    assert heights[1] - heights[0] == pytest.approx(heights[2] - heights[1], abs=0.2)


@pytest.mark.parametrize("value", ["nan", "inf", "1e999", "", "x" * 300, "<script>", "0", "-1"])
def test_no_value_of_a_program_breaks_the_picture(value: str) -> None:
    lines = [parallel.Line(label="a", values={"v": value}, badness=0.0), parallel.Line(label="b", values={}, badness=1)]
    drawn = ElementTree.fromstring(parallel.draw(["v", "w"], lines))
    assert "script" not in [element.tag for element in drawn.iter()]


class Service:
    """SageMaker with one search, or none."""

    def __init__(self, described: dict[str, Any] | None, listed: list[dict[str, Any]] | None = None) -> None:
        self.described, self.listed = described, listed or []

    def describe_hyper_parameter_tuning_job(self, **_: str) -> dict[str, Any]:
        if self.described is None:
            raise failure("ResourceNotFound", "not found")
        return self.described

    def get_paginator(self, _: str) -> Any:
        return SimpleNamespace(paginate=lambda **_: [{"TrainingJobSummaries": self.listed}])


def aws(service: Service) -> Any:
    return SimpleNamespace(client=lambda _: service)


def test_no_search_is_none() -> None:
    assert read_search(aws(Service(None)), "tiny-1") is None


def test_a_search_of_several_definitions_takes_the_first_ones_objective() -> None:
    described = {
        "HyperParameterTuningJobStatus": "InProgress",
        "HyperParameterTuningJobConfig": {"Strategy": "Random", "ResourceLimits": {"MaxParallelTrainingJobs": 1}},
        "TrainingJobDefinitions": [{"TuningObjective": {"Type": "Maximize", "MetricName": "accuracy"}}],
    }
    listed = [{"TrainingJobName": "a", "TrainingJobStatus": "InProgress"}]
    found = read_search(aws(Service(described, listed)), "tiny-1")
    assert found is not None
    assert (found.metric, found.goal, found.max_jobs, len(found.trials)) == ("accuracy", "Maximize", None, 1)
    assert as_json(found)["trials"][0]["hyperparameters"] == {}


@pytest.mark.parametrize(
    "tuning", [None, 3, [], {}, {"trials": 3}, {"trials": [None, {"objective": "a", "hyperparameters": [1]}]}]
)
def test_what_somebody_else_wrote_into_a_receipt_is_read_without_a_crash(tuning: Any) -> None:
    receipt = receipts.read(json.dumps({"run_id": "r", "tuning": tuning}).encode())
    assert receipt is not None
    found = of_receipt(receipt)
    assert found is None or isinstance(page(found, job="tiny", run_id="r"), str)
