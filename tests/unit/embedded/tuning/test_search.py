"""The Gaussian process and the search that asks it."""

import math
import random
import statistics

import pytest

from embedded.services.sagemaker.tuning.search.bayesian import Bayesian, starting_points
from embedded.services.sagemaker.tuning.search.gaussian import Process, Seen, Shape, fitted, usual_shape
from embedded.services.sagemaker.tuning.search.space import Category, Number, Point, Space

SQUARE = Space(parameters=(Number(name="x", low=0, high=1), Number(name="y", low=0, high=1)))


def bowl(values: dict[str, str]) -> float:
    return (float(values["x"]) - 0.7) ** 2 + 3 * (float(values["y"]) - 0.2) ** 2


def search(space: Space, loss: object, count: int, seed: str, at_once: int = 1) -> list[float]:
    """The losses of a search, in the order of its proposals."""
    assert callable(loss)
    method, seen, running, losses = Bayesian(space, seed), [], [], []
    for number in range(count):
        point = method.suggest(number, seen, running)
        running.append(point)
        losses.append(loss(space.decode(point)))
        if len(running) >= at_once:
            ended = running.pop(0)
            seen.append(Seen(point=ended, value=losses[number - len(running)]))
    return losses


def test_the_process_knows_what_it_has_seen_and_doubts_the_rest() -> None:
    seen = [Seen(point=(x / 4, 0.5), value=math.sin(x)) for x in range(5)]
    process = Process(SQUARE, seen, Shape(weights=(4.0, 4.0), noise=1e-6))
    for one in seen:
        mean, deviation = process.predict(one.point)
        assert mean == pytest.approx(one.value, abs=1e-2) and deviation < 0.05
    assert process.predict((0.5, 0.0))[1] > 5 * process.predict((0.5, 0.5))[1]
    assert process.predict((0.125, 0.5))[0] == pytest.approx(math.sin(0.5), abs=0.1)


def test_values_of_less_weight_bind_the_process_less() -> None:
    near = [Seen(point=(0.5, 0.5), value=1.0), Seen(point=(0.0, 0.0), value=-1.0)]
    vague = [Seen(point=one.point, value=one.value, noise=1.0) for one in near]
    shape = usual_shape(SQUARE)
    assert (
        abs(Process(SQUARE, vague, shape).predict((0.5, 0.5))[0]) < Process(SQUARE, near, shape).predict((0.5, 0.5))[0]
    )


def test_a_parameter_without_effect_gets_a_long_length() -> None:
    dice = random.Random(1)
    points = [SQUARE.sample(dice) for _ in range(25)]
    seen = [Seen(point=point, value=math.sin(6 * point[0])) for point in points]
    weights = fitted(SQUARE, seen, usual_shape(SQUARE)).weights
    assert weights[0] > 5 * weights[1]


@pytest.mark.parametrize("at_once", [1, 4])
def test_the_search_finds_the_bottom_of_a_bowl_that_chance_misses(at_once: int) -> None:
    found = [min(search(SQUARE, bowl, 15, f"{seed}", at_once)) for seed in range(3)]
    dice = random.Random(0)
    chance = [min(bowl(SQUARE.decode(SQUARE.sample(dice))) for _ in range(15)) for _ in range(5)]
    assert statistics.median(found) < statistics.median(chance) / 5


def test_the_same_seed_gives_the_same_search_and_another_another() -> None:
    assert search(SQUARE, bowl, 12, "7") == search(SQUARE, bowl, 12, "7") != search(SQUARE, bowl, 12, "8")


def test_a_small_space_is_searched_without_repeating_a_point() -> None:
    space = Space(parameters=(Number(name="n", low=1, high=4, is_whole=True), Category(name="c", values=("a", "b"))))
    method, seen, tried = Bayesian(space, "s"), [], []
    for number in range(starting_points(space), 8 + starting_points(space)):
        point = method.suggest(number, seen, [])
        tried.append(tuple(space.decode(point).values()))
        seen.append(Seen(point=space.snapped(point), value=float(tried[-1][0])))
    assert len(set(tried[starting_points(space) :])) == len(tried[starting_points(space) :])
    # all have been tried: it still answers
    assert space.decode(method.suggest(99, seen, []))["c"] in ("a", "b")


@pytest.mark.parametrize("value", [0.0, 1e300])
def test_objectives_that_are_all_the_same_do_not_stop_the_search(value: float) -> None:
    seen = [Seen(point=(index / 9, index / 9), value=value) for index in range(10)]
    point = Bayesian(SQUARE, "s").suggest(10, seen, [])
    assert all(0 <= coordinate <= 1 for coordinate in point)


def test_many_results_are_thinned_out_and_points_of_a_wider_range_are_of_use() -> None:
    dice = random.Random(2)

    def wide() -> Point:
        return (dice.uniform(-1, 2), dice.random())

    seen = [Seen(point=point, value=(point[0] - 0.7) ** 2) for point in (wide() for _ in range(150))]
    point = Bayesian(SQUARE, "s").suggest(150, seen, [])
    assert point[0] == pytest.approx(0.7, abs=0.1)
