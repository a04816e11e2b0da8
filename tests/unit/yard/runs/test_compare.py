"""Runs side by side: what differs, and where each line of a log belongs."""

import math

from shardyard.spec.jobs.log_metrics import LogMetrics
from yard.runs.comparison import Curve, Point, _points, differing, metric_names, not_finite
from yard.runs.logs import Line


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


def test_every_metric_is_compared_and_what_is_not_finite_is_counted() -> None:
    metrics = [{"loss": math.nan, "val_f1": 0.5}, {"loss": math.inf, "val_f1": 0.6}, {"loss": 0.5, "val_f1": 0.7}]
    found = tuple(Point(step=step, seconds=step, metrics=one) for step, one in enumerate(metrics))
    one = Curve(run_id="a", job="x", status="succeeded", settings={}, points=found)
    assert metric_names([one]) == ["loss", "val_f1"]
    assert not_finite([one], "loss") == 2
