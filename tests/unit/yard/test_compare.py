"""Runs side by side: what differs, and curves in one file that needs nothing else."""

import pytest

from yard.runs.comparison import Curve, Point, differing
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
