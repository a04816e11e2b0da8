"""Early stopping: the median rule and Hyperband's rungs, and when the whole search is over."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as some

from embedded.services.sagemaker.tuning.completion import has_converged, not_improving
from embedded.services.sagemaker.tuning.stopping.hyperband import Rungs
from embedded.services.sagemaker.tuning.stopping.median import is_hopeless

CURVES = [[3.0, 2.0, 1.0], [4.0, 3.0, 2.0], [5.0, 4.0, 3.0]]
CURVE = some.lists(some.floats(-100, 100), min_size=1, max_size=9)


def test_a_value_is_held_against_the_median_of_running_averages_at_its_epoch() -> None:
    # the averages up to the second epoch are 2.5, 3.5 and 4.5
    assert not is_hopeless([9.0, 3.5], CURVES, [])
    assert is_hopeless([1.0, 3.6], CURVES, [])
    # a fourth that was stopped after its second epoch counts there, and no more in the third
    assert is_hopeless([1.0, 3.1], CURVES, [[2.0, 1.0]])
    assert not is_hopeless([1.0, 1.0, 3.0], CURVES, [[0.0, 0.0]])


def test_without_three_whole_jobs_or_in_the_first_epochs_nothing_is_stopped() -> None:
    assert not is_hopeless([99.0, 99.0], CURVES[:2], [CURVES[2]])
    assert not is_hopeless([], CURVES, [])
    long = [[1.0] * 50 for _ in range(3)]
    assert not is_hopeless([99.0] * 4, long, [])
    assert is_hopeless([99.0] * 5, long, [])


@given(completed=some.lists(CURVE, max_size=6), stopped=some.lists(CURVE, max_size=6), values=CURVE)
def test_a_job_that_is_better_than_all_others_is_never_stopped(
    completed: list[list[float]], stopped: list[list[float]], values: list[float]
) -> None:
    least = min((min(curve) for curve in (*completed, *stopped)), default=0.0)
    assert not is_hopeless([*values, least - 1], completed, stopped)


def test_rungs_are_three_times_as_many_epochs_each() -> None:
    assert Rungs(least=1, most=27).levels() == [1, 3, 9]
    assert Rungs(least=2, most=20).levels() == [2, 6, 18]
    assert Rungs(least=5, most=5).levels() == []


def test_at_a_rung_only_the_best_third_goes_on() -> None:
    rungs = Rungs(least=1, most=9)
    others = [[float(value)] for value in range(1, 9)]
    assert not rungs.is_over(0, [0.5], others)
    assert not rungs.is_over(0, [2.5], others)
    assert rungs.is_over(0, [3.5], others)
    # a rung that was left behind is not asked again, whoever has come there meanwhile
    better = [*others, *([0.0] for _ in range(9))]
    assert not rungs.is_over(0, [2.5, 99.0], better, judged=1) and rungs.is_over(0, [2.5, 99.0], better)
    higher = [[2.0] * 3, [1.0] * 3, [3.0] * 3]
    assert rungs.is_over(0, [2.5, 9.0, 2.5], higher, judged=2)
    assert not rungs.is_over(0, [9.0, 9.0, 0.5], higher, judged=2)


def test_the_first_to_come_goes_on_and_none_beyond_the_most() -> None:
    rungs = Rungs(least=1, most=9)
    assert not rungs.is_over(0, [50.0], [])
    assert rungs.is_over(0, [0.0] * 9, [])
    assert Rungs(least=5, most=5).is_over(0, [0.0] * 5, []) and not Rungs(least=5, most=5).is_over(0, [0.0] * 4, [])


def test_brackets_differ_in_their_first_rung_and_most_jobs_start_at_the_lowest() -> None:
    rungs = Rungs(least=1, most=27)
    firsts = [rungs.first_rung(number) for number in range(40)]
    assert set(firsts) == {0, 1, 2}
    assert firsts.count(0) > firsts.count(1) > firsts.count(2) > 0
    slow = firsts.index(2)
    assert not rungs.is_over(slow, [99.0] * 8, [[1.0] * 27] * 20), "its first rung is at 9 epochs"
    assert rungs.is_over(slow, [99.0] * 9, [[1.0] * 27] * 20)


@given(seed=some.integers(0, 1000))
def test_the_best_of_all_reaches_the_last_epoch_when_curves_do_not_cross(seed: int) -> None:
    dice = random.Random(seed)
    levels = dice.sample(range(100), 12)
    curves = [[level + 1 / (epoch + 1) for epoch in range(9)] for level in levels]
    rungs, seen = Rungs(least=1, most=9), {number: [] for number in range(12)}
    for number, curve in enumerate(curves):
        for value in curve:
            seen[number].append(value)
            others = [other for key, other in seen.items() if key != number]
            if rungs.is_over(number, seen[number], others, judged=len(seen[number]) - 1):
                break
    assert len(seen[levels.index(min(levels))]) == 9


def test_less_than_a_hundredth_better_is_no_improvement() -> None:
    assert not_improving([]) == 0
    assert not_improving([1.0, 0.5, 0.499, 0.498, 0.6]) == 3
    assert not_improving([1.0, 0.5, 0.499, 0.49]) == 0
    # small steps add up to one
    assert not_improving([100.0, 99.5, 99.2, 98.9]) == 0
    assert not_improving([-1.0, -1.005, -1.02]) == 0
    assert not_improving([0.0, 0.0]) == 1


@pytest.mark.parametrize(
    ("count", "parameters", "at_once", "converged"),
    [(11, 1, 2, False), (12, 1, 2, True), (25, 6, 2, False), (26, 6, 2, True)],
)
def test_a_search_has_converged_when_it_had_the_time_to_look_around(
    count: int, parameters: int, at_once: int, converged: bool
) -> None:
    assert has_converged([1.0] * (count + 1), parameters, at_once) is converged
