"""Curves on one page that needs nothing else: any metric, by step, time or epoch, and the nodes under it."""

import math
import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest

from yard.plots import machines
from yard.plots.page import charts, page
from yard.plots.series import smoothed_line
from yard.plots.svg import _MOST_POINTS, _ticks
from yard.runs import runs
from yard.runs.comparison import Curve, Point


def curve(run_id: str, rate: float, *, steps: int = 5, **more: float) -> Curve:
    points = tuple(
        Point(step=step, seconds=step * 0.5, metrics={"loss": 3.0 / step, "samples_per_second": rate, **more})
        for step in range(1, steps + 1)
    )
    return Curve(run_id=run_id, job="mnist", status="succeeded", settings={}, points=points)


def whole(curves: list[Curve], differences: Any = (), outcome: Any = (), **wishes: Any) -> str:
    return page(curves, differences, outcome, list(charts(curves, **wishes)))


def figures(text: str) -> list[ElementTree.Element]:
    return [ElementTree.fromstring(found) for found in re.findall(r"<figure>.*?</figure>", text, re.DOTALL)]


def labels(text: str) -> list[list[str]]:
    return [[str(label.text) for label in figure.iter("text")] for figure in figures(text)]


def places(text: str) -> list[list[float]]:
    """The x of each line's points, as shares of the first chart's width."""
    lines = [line.get("points", "") for line in figures(text)[0].iter("polyline")]
    return [[float(point.partition(",")[0]) for point in line.split()] for line in lines]


def test_the_page_stands_alone_and_escapes_what_people_wrote() -> None:
    text = whole([curve("a", 1), curve("<b>", 2)], [("note", ["<script>", "x"])], [("loss", [0.6, 0.6])])
    assert text.count("<svg") == 4
    assert text.count("<polyline") == 8
    assert "&lt;script&gt;" in text and "&lt;b&gt;" in text
    assert "<script" not in text and "http" not in text and "url(" not in text
    assert text.index("Settings that differ") < text.index("How they ended") < text.index("<svg")


def test_it_fits_a_phone_and_a_printer() -> None:
    text = whole([curve("a", 1)])
    assert '<meta name="viewport" content="width=device-width,initial-scale=1">' in text
    assert "minmax(min(100%," in text and "svg{width:100%" in text
    assert "@media print" in text and "break-inside:avoid" in text
    assert not re.search(r'<svg[^>]* width="', text), "a width of its own would leave the screen"


def test_the_page_is_whole_and_its_axes_are_named() -> None:
    text = whole([curve("a", 100), curve("b", 250)], [], [("USD", [None, 0.25])])
    found = labels(text)
    assert [("loss" in one, "samples per second" in one) for one in found] == [(True, False)] * 2 + [(False, True)] * 2
    assert ["step" in one for one in found] == [True, False] * 2
    assert ["seconds since the first step" in one for one in found] == [False, True] * 2
    assert {"100", "150", "200", "250"} <= set(found[2])
    assert "No setting differs." in text
    assert "<td>-</td><td>0.25</td>" in text
    assert text.count("<figcaption>") == 4, "each chart says whose its lines are"


def test_one_run_is_compared_with_nothing() -> None:
    text = whole([curve("a", 1)], [], [("loss", [0.6])])
    assert "1 run of mnist" in text and "How it ended" in text
    assert "differ" not in text and "<figcaption>" not in text


def test_only_the_metrics_that_were_asked_for_are_drawn() -> None:
    text = whole([curve("a", 1, val_f1=0.5)], metrics=["val_f1"], by="time")
    assert len(figures(text)) == 1
    assert {"Val f1 by time", "seconds since the first step"} <= set(labels(text)[0])


def test_steps_of_an_epoch_are_spread_over_it() -> None:
    said = [1.0, 1.0, 2.0, 2.0]
    points = tuple(
        Point(step=n, seconds=n, metrics={"loss": 1.0, "epoch": epoch}) for n, epoch in enumerate(said, start=1)
    )
    one = Curve(run_id="a", job="x", status="running", settings={}, points=points)
    (chart,) = charts([one], metrics=["loss"], by="epoch")
    assert [x for x, _ in chart.lines[0]] == [1, 1.5, 2, 2.5]
    fractions = tuple(Point(step=n, seconds=n, metrics={"loss": 1.0, "epoch": n / 4}) for n in (1, 2, 3))
    (chart,) = charts(
        [Curve(run_id="a", job="x", status="running", settings={}, points=fractions)], metrics=["loss"], by="epoch"
    )
    assert [x for x, _ in chart.lines[0]] == [0.25, 0.5, 0.75]


def test_a_run_without_epochs_has_no_line_by_them() -> None:
    assert "Loss by epoch: no run printed it." in whole([curve("a", 1)], metrics=["loss"], by="epoch")


def test_a_smoothed_line_is_drawn_over_the_faint_one() -> None:
    text = whole([curve("a", 1)], metrics=["loss"], by="step", smooth=0.5)
    raw, smooth = figures(text)[0].iter("polyline")
    assert raw.get("stroke-opacity") == "0.25" and smooth.get("stroke-opacity") is None
    line = smoothed_line([(1, 4.0), (2, 2.0), (3, 2.0)], 0.5)
    assert line == [(1, 4.0), (2, pytest.approx(8 / 3)), (3, pytest.approx(16 / 7))]


def test_a_long_run_makes_no_long_file() -> None:
    text = whole([curve("a", 1, steps=50_000)], metrics=["loss"], by="step")
    (xs,) = places(text)
    assert len(xs) <= _MOST_POINTS
    assert xs == sorted(xs) and xs[-1] - xs[0] > 380, "it is as wide as before"
    assert len(text) < 40_000


def test_a_metric_that_no_run_printed_is_said() -> None:
    bare = Curve(run_id="a", job="x", status="failed", settings={})
    assert "Loss by step: no run printed it." in whole([bare])


def test_every_metric_is_drawn_and_what_is_not_finite_is_counted() -> None:
    metrics = [{"loss": math.nan, "val_f1": 0.5}, {"loss": math.inf, "val_f1": 0.6}, {"loss": 0.5, "val_f1": 0.7}]
    points = tuple(Point(step=step, seconds=step, metrics=one) for step, one in enumerate(metrics))
    text = whole([Curve(run_id="a", job="x", status="succeeded", settings={}, points=points)])
    assert "Val f1 by step" in text
    assert "loss: 2 values not drawn, nan or infinite." in text
    assert "nan," not in text


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 1.0, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (3.0, 3.0, [1, 2, 3, 4, 5]),
        (7, 93, [0, 20, 40, 60, 80, 100]),
    ],
)
def test_the_numbers_of_an_axis_are_round_and_hold_all_values(low: float, high: float, ticks: list[float]) -> None:
    assert _ticks(low, high) == pytest.approx(ticks)


STARTED = datetime(2026, 11, 28, 23, 50, tzinfo=UTC)


class Account:
    """Two attempts of one run on two nodes; only processors and memory are reported."""

    def client(self, _: str) -> "Account":
        return self

    def describe_training_job(self, TrainingJobName: str) -> dict[str, Any]:
        begun = STARTED + timedelta(minutes=10 * (int(TrainingJobName[-1]) - 1))
        return {
            "TrainingJobName": TrainingJobName,
            "ResourceConfig": {"InstanceType": "ml.g5.xlarge", "InstanceCount": 2},
            "TrainingStartTime": begun,
            "TrainingEndTime": begun + timedelta(minutes=2),
        }

    def get_paginator(self, operation: str) -> Any:
        if operation == "list_training_jobs":
            jobs = [{"TrainingJobName": f"gpt-r1-{number}"} for number in (1, 2)]
            return SimpleNamespace(paginate=lambda **_: [{"TrainingJobSummaries": jobs}])
        return SimpleNamespace(paginate=self.measure)

    def measure(self, MetricDataQueries: list[dict[str, Any]], StartTime: float, **_: Any) -> list[dict[str, Any]]:
        results = []
        for query in MetricDataQueries:
            metric = query["MetricStat"]["Metric"]
            is_known = metric["MetricName"] in ("CPUUtilization", "MemoryUtilization")
            times = [datetime.fromtimestamp(StartTime + 60 * n, UTC) for n in (1, 2)] if is_known else []
            results.append({"Id": query["Id"], "Timestamps": times, "Values": [50.0 + n for n, _ in enumerate(times)]})
        return [{"MetricDataResults": results}]


def test_what_the_nodes_did_is_drawn_by_node_over_all_attempts() -> None:
    run = runs.Run(job="gpt", run_id="r1", execution_arn="arn", status="SUCCEEDED", started=STARTED, stopped=None)
    aws: Any = Account()
    processors, memory = machines.charts(aws, [run])
    assert (processors.title, memory.title) == ("Processors, 100 each", "Memory")
    assert processors.names == ["algo-1", "algo-2"]
    assert list(processors.lines[0]) == [(0, 50), (60, 51), (600, 50), (660, 51)]
    both = list(machines.charts(aws, [run, run]))
    assert both[0].names == ["r1 algo-1", "r1 algo-2"]
    text = page([curve("r1", 1)], [], [], [], machines=[processors, memory])
    assert "The nodes" in text and text.count("<figure>") == 2
