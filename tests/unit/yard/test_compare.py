"""Runs side by side: what differs, and curves in one file that needs nothing else."""

import math

import pytest

from shardyard.spec.jobs.log_metrics import LogMetrics
from yard.runs.comparison import Curve, Point, _points, differing, metric_names
from yard.runs.logs import Line
from yard.runs.plot import _ticks, page


def curve(run_id: str, rate: float, **settings: object) -> Curve:
    points = tuple(
        Point(step=step, seconds=step * 0.5, metrics={"loss": 3.0 / step, "samples_per_second": rate})
        for step in range(1, 6)
    )
    return Curve(run_id=run_id, job="mnist", status="succeeded", settings=settings, points=points)


def test_only_settings_that_differ_are_shown() -> None:
    rows = differing([curve("a", 1, lr="0.1", epochs="3"), curve("b", 1, lr="0.2", epochs="3")])
    assert rows == [("lr", ["0.1", "0.2"])]


def test_a_setting_that_one_run_lacks_differs() -> None:
    assert differing([curve("a", 1, seed="1"), curve("b", 1)]) == [("seed", ["1", None])]


def test_a_hash_is_cut_to_what_a_table_has_room_for() -> None:
    rows = differing([curve("a", 1, source_sha256="a" * 64), curve("b", 1, source_sha256="b" * 64)])
    assert rows == [("source_sha256", ["a" * 12, "b" * 12])]


def test_the_last_value_and_the_median_rate() -> None:
    one = curve("a", 100)
    assert one.last("loss") == 0.6
    assert one.last("accuracy") is None
    assert one.rate == 100


def test_the_page_stands_alone_and_escapes_what_people_wrote() -> None:
    text = page([curve("a", 1), curve("b", 2)], [("note", ["<script>", "x"])], [("loss", [0.6, 0.6])])
    assert text.count("<svg") == 4
    assert text.count("<polyline") == 8
    assert "&lt;script&gt;" in text
    assert "http" not in text
    assert text.index("Settings that differ") < text.index("How they ended") < text.index("<svg")


def test_the_page_is_whole_and_its_axes_are_named() -> None:
    from xml.etree import ElementTree

    text = page([curve("a", 100), curve("b", 250)], [], [("USD", [None, 0.25])])
    figures = [ElementTree.fromstring(f"<figure>{part.split('</figure>')[0]}</figure>") for part in _figures(text)]
    labels = [[label.text for label in figure.iter("text")] for figure in figures]
    assert [("loss" in one, "samples per second" in one) for one in labels] == [(True, False)] * 2 + [(False, True)] * 2
    assert ["step" in one for one in labels] == [True, False] * 2
    assert ["seconds since the first step" in one for one in labels] == [False, True] * 2
    assert {"100", "150", "200", "250"} <= {str(text) for text in labels[2]}
    assert "No setting differs." in text
    assert "<td>-</td><td>0.25</td>" in text


def _figures(text: str) -> list[str]:
    return text.split("<figure>")[1:]


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


def test_a_metric_that_no_run_printed_is_said() -> None:
    bare = Curve(run_id="a", job="x", status="failed", settings={})
    assert "Loss by step: no run printed it." in page([bare], [], [])


def points(*texts: str) -> list[tuple[float, float | None]]:
    lines = [Line(number * 1000, "algo-1", text) for number, text in enumerate(texts)]
    return [(point.step, point.metrics.get("loss")) for point in _points(lines, LogMetrics())]


def test_steps_that_begin_anew_in_each_epoch_go_on() -> None:
    lines = [f"Epoch [{epoch}/2], Step [{step}/3], Loss: {epoch}.{step}" for epoch in (1, 2) for step in (1, 2, 3)]
    assert points(*lines) == [(1, 1.1), (2, 1.2), (3, 1.3), (4, 2.1), (5, 2.2), (6, 2.3)]
    assert [step for step, _ in points(*lines, *lines[3:])] == [1, 2, 3, 4, 5, 6], "resumed at its second epoch"


def test_keras_names_its_epochs_on_lines_of_their_own() -> None:
    bars = [f"{step}/2 ━━━━ 0s 4ms/step - loss: 0.{step}" for step in (1, 2)]
    assert points("Epoch 1/2", *bars, "Epoch 2/2", *bars) == [(1, 0.1), (2, 0.2), (3, 0.1), (4, 0.2)]


def test_a_resumed_run_prints_steps_again() -> None:
    assert points("metric step=1 loss=3", "metric step=2 loss=2", "metric step=2 loss=2", "metric step=3 loss=1") == [
        (1, 3),
        (2, 2),
        (3, 1),
    ]


def test_reports_without_a_step_are_counted_or_belong_to_the_newest() -> None:
    assert points("{'loss': 0.5, 'epoch': 0.1}", "{'loss': 0.4, 'epoch': 0.2}") == [(1, 0.5), (2, 0.4)]
    assert points(" 10%|# | 10/100 [00:01<00:09, 9it/s]", "{'loss': 0.5, 'epoch': 0.1}") == [(10, 0.5)]


def test_every_metric_is_compared_and_drawn_and_what_is_not_finite_is_counted() -> None:
    metrics = [{"loss": math.nan, "val_f1": 0.5}, {"loss": math.inf, "val_f1": 0.6}, {"loss": 0.5, "val_f1": 0.7}]
    found = tuple(Point(step=step, seconds=step, metrics=one) for step, one in enumerate(metrics))
    one = Curve(run_id="a", job="x", status="succeeded", settings={}, points=found)
    assert metric_names([one]) == ["loss", "val_f1"]
    text = page([one], [], [])
    assert "val f1 by step" in text
    assert "loss: 2 values not drawn, nan or infinite." in text
    assert "nan," not in text
