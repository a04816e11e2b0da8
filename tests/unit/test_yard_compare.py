"""Runs side by side: what differs, and curves in one file that needs nothing else."""

from yard.comparison import Curve, Point, differing
from yard.plot import page


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


def test_the_last_value_and_the_median_rate() -> None:
    one = curve("a", 100)
    assert one.last("loss") == 0.6
    assert one.last("accuracy") is None
    assert one.rate == 100


def test_the_page_stands_alone_and_escapes_what_people_wrote() -> None:
    text = page([curve("a", 1), curve("b", 2)], [("note", ["<script>", "x"])])
    assert text.count("<svg") == 4
    assert text.count("<polyline") == 8
    assert "&lt;script&gt;" in text
    assert "http" not in text


def test_a_metric_that_no_run_printed_is_said() -> None:
    bare = Curve(run_id="a", job="x", status="failed", settings={})
    assert "loss by step: no run printed it." in page([bare], [])
