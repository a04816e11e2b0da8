"""Durations, sizes and counts as people write them."""

from collections.abc import Callable

import pytest

from shardyard.spec.units import format_duration, parse_count, parse_duration, parse_size_gb


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("20m", 1200), ("4h", 14400), ("1h30m", 5400), ("1.5h", 5400), ("2d", 172800)]
)
def test_durations(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "4", "4 hours", "h", "-1h", "1h30", "1w"])
def test_a_wrong_duration_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match='is not a duration; write "90s", "20m", "4h", "1h30m" or "2d"'):
        parse_duration(text)


@pytest.mark.parametrize(("text", "gigabytes"), [("50GB", 50), ("1.5TB", 1536), ("200 gb", 200), ("2TiB", 2048)])
def test_sizes(text: str, gigabytes: int) -> None:
    assert parse_size_gb(text) == gigabytes


@pytest.mark.parametrize("text", ["50", "50MB", "GB", "-5GB"])
def test_a_wrong_size_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match='is not a size; write "50GB" or "2TB"'):
        parse_size_gb(text)


@pytest.mark.parametrize(("text", "count"), [("7e9", 7e9), ("7B", 7e9), ("350M", 3.5e8), ("1.56B", 1.56e9), ("12", 12)])
def test_counts(text: str, count: float) -> None:
    assert parse_count(text) == count


def test_a_wrong_count_says_how_to_write_one() -> None:
    with pytest.raises(ValueError, match="'7 billion' is not a count"):
        parse_count("7 billion")


@pytest.mark.parametrize("seconds", [0, 1, 59, 60, 3600, 5400, 86400, 90061])
def test_a_duration_written_is_read_back(seconds: int) -> None:
    assert parse_duration(format_duration(seconds)) == seconds


@pytest.mark.parametrize("parse", [parse_duration, parse_size_gb, parse_count])
@pytest.mark.parametrize("number", ["9" * 400, "1e999", "\u0664"])
def test_a_number_that_no_machine_can_hold_is_refused(parse: Callable[[str], float], number: str) -> None:
    for unit in ("d", "TB", "B"):
        with pytest.raises(ValueError, match="is not a"):
            parse(f"{number}{unit}")


def test_a_negative_duration_keeps_its_sign() -> None:
    assert [format_duration(seconds) for seconds in (-5, -3661, -0.5)] == ["-5s", "-1h1m1s", "0s"]
