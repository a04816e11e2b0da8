"""The weather: what it can be, and what it refuses."""

import re
from collections.abc import Iterator

import pytest

from embedded.operations import ServiceError
from embedded.weather import forecast
from embedded.weather.carriage import DELETION_LAG, LAST_SYNC, UPLOAD_SPEED
from embedded.weather.hosts import HOSTNAMES, hostname
from embedded.weather.spot import SPOT_CAPACITY, SPOT_NOTICE


@pytest.fixture(autouse=True)
def fair() -> Iterator[None]:
    yield
    forecast.change("fair", {})


def test_a_cloud_begins_in_fair_weather() -> None:
    assert forecast.summary() == "fair"
    assert {row["now"] for row in forecast.table()} == {row["fair"] for row in forecast.table()}


def test_pessimistic_has_every_condition_that_lets_jobs_run() -> None:
    forecast.change("pessimistic", {})
    assert forecast.summary() == "pessimistic"
    assert [one.name for one in forecast.CONDITIONS if one.value == one.fair] == ["spot_capacity"]
    forecast.change("pessimistic", {"spot_capacity": "never", "last_sync": "after_end"})
    assert SPOT_CAPACITY.value == "never" and LAST_SYNC.value == "after_end" and SPOT_NOTICE.value == "none"


def test_single_conditions_are_named_in_the_summary() -> None:
    forecast.change(None, {"upload_bytes_per_second": 2_000_000, "last_sync": "never"})
    forecast.change(None, {"deletion_lag_seconds": 0.5})
    assert forecast.summary() == "last_sync=never, deletion_lag_seconds=0.5, upload_bytes_per_second=2000000"
    assert (DELETION_LAG.value, UPLOAD_SPEED.value) == (0.5, 2e6)


@pytest.mark.parametrize(
    ("preset", "values", "said"),
    [
        ("stormy", {}, "no such weather: 'stormy'; known: fair, pessimistic"),
        (None, {"rain": 1}, r"no such condition: 'rain'; known: last_sync, deletions, .*, tuning_checkpoints$"),
        (None, {"last_sync": "maybe"}, "the condition last_sync must be after_end or never, not 'maybe'"),
        (None, {"last_sync": True}, "the condition last_sync must be after_end or never, not True"),
        (None, {"event_delay_seconds": -1}, "the condition event_delay_seconds must be a number of at least 0, not -1"),
        (
            None,
            {"event_delay_seconds": "2"},
            "the condition event_delay_seconds must be a number of at least 0, not '2'",
        ),
        (
            None,
            {"event_delay_seconds": True},
            "the condition event_delay_seconds must be a number of at least 0, not True",
        ),
        (None, {"event_delay_seconds": float("nan")}, "must be a number of at least 0, not nan"),
        ("pessimistic", {"last_sync": "maybe"}, "last_sync must be after_end or never, not 'maybe'"),
    ],
)
def test_what_is_wrong_is_refused_with_what_is_allowed_and_changes_nothing(
    preset: str | None, values: dict[str, object], said: str
) -> None:
    with pytest.raises(ServiceError, match=said):
        forecast.change(preset, {"deletions": "carried", **values})
    assert forecast.summary() == "fair"


def test_every_condition_names_its_source_and_a_day() -> None:
    for row in forecast.table():
        assert re.search(r"\w.* \(2026-\d\d-\d\d\)$", row["source"]), row["condition"]
        assert row["about"] and row["fair"] != row["pessimistic"]


def test_a_random_host_name_is_another_one_each_time() -> None:
    assert hostname("algo-1") == "algo-1"
    forecast.change(None, {HOSTNAMES.name: "random"})
    names = {hostname("algo-1") for _ in range(5)}
    assert len(names) > 1 and not any("algo" in name for name in names)
