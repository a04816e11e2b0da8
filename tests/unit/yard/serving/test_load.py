"""A load run counts every request once, hides no waiting, and tells a lost request from a model's error."""

import math
import threading
import time

import pytest

from yard.serving.load import ANSWERED, LOST, MODEL_ERROR, Sample, histogram, percentile, run, summaries


def sample(seconds: float, outcome: str = ANSWERED, variant: str = "main") -> Sample:
    return Sample(began=0, seconds=seconds, outcome=outcome, variant=variant)


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(number) for number in range(1, 101)]
    assert [percentile(values, percent) for percent in (50, 90, 99, 100)] == [50, 90, 99, 100]
    assert percentile([7.0], 1) == 7 and math.isnan(percentile([], 50))


def test_the_summary_counts_all_and_each_variant() -> None:
    found = [sample(0.01), sample(0.03), sample(0.5, MODEL_ERROR, ""), sample(0.2, variant="next"), sample(9, LOST, "")]
    whole, nobody, main, other = summaries(found, 10)
    assert (whole.variant, whole.requests, whole.per_second, whole.errors, whole.lost) == ("all", 5, 0.5, 1, 1)
    assert (nobody.variant, nobody.requests, math.isnan(nobody.p50_ms)) == ("", 2, True)
    assert (main.p50_ms, main.longest_ms) == (10, 30) and other.p99_ms == 200


def test_at_a_rate_a_slow_answer_delays_nobody_else_s_clock() -> None:
    """One client at 50 a second that needs 0.1 s: the requests behind it wait, and their waiting counts."""

    def slow() -> tuple[str, str, str]:
        time.sleep(0.1)
        return ANSWERED, "main", ""

    found = run(slow, seconds=0.2, clients=1, rate=50)
    assert len(found) == 10, "as many as the rate asks for, however slow the answers"
    assert [round(one.began, 2) for one in found[:3]] == [0, 0.02, 0.04]
    assert found[-1].seconds > 0.5, "the last one was due at 0.18 s, and was answered at a second"


def test_without_a_rate_each_client_sends_when_it_has_its_answer() -> None:
    sent = threading.Lock()
    count = 0

    def quick() -> tuple[str, str, str]:
        nonlocal count
        with sent:
            count += 1
        time.sleep(0.01)
        return ANSWERED, "main", ""

    found = run(quick, seconds=0.2, clients=2)
    assert len(found) == count and 4 <= count <= 42
    assert max(one.began for one in found) < 0.2


def test_a_run_ends_when_it_is_told_to() -> None:
    ended = threading.Event()
    threading.Timer(0.1, ended.set).start()
    began = time.perf_counter()
    run(lambda: (ANSWERED, "main", ""), seconds=60, clients=1, rate=20, stop=ended)
    assert time.perf_counter() - began < 5


def test_the_picture_has_every_answer_once() -> None:
    rows = histogram([sample(0.001 * 1.3**number) for number in range(20)] + [sample(1, LOST)])
    assert sum(int(row.rsplit(" ", 1)[1]) for row in rows) == 20
    assert histogram([]) == []


@pytest.mark.parametrize("seconds", [[0.01], [0.01, 0.01]])
def test_a_picture_of_equal_answers_is_one_row(seconds: list[float]) -> None:
    (row,) = histogram([sample(one) for one in seconds])
    assert row.endswith(f"# {len(seconds)}")
