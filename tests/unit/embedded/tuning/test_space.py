"""Ranges: coordinates and values, whatever the scale."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as some

from embedded.services.sagemaker.tuning.search.space import Category, Number, Space, read_space

COORDINATE = some.floats(0, 1)


@given(
    coordinate=COORDINATE,
    ends=some.tuples(some.floats(1e-6, 0.4), some.floats(0.5, 0.99)),
    scaling=some.sampled_from(["Linear", "Logarithmic", "ReverseLogarithmic"]),
)
def test_a_value_lies_in_its_range_and_leads_back_to_its_coordinate(
    coordinate: float, ends: tuple[float, float], scaling: str
) -> None:
    number = Number(name="x", low=ends[0], high=ends[1], scaling=scaling)  # type: ignore[arg-type]
    text = number.decode(coordinate)
    assert ends[0] <= float(text) <= ends[1]
    assert number.encode(text) == pytest.approx(coordinate, abs=1e-6)


@given(coordinate=COORDINATE, low=some.integers(-100, 100), width=some.integers(0, 50))
def test_a_whole_number_is_one_and_is_proposed_again_by_its_own_coordinate(
    coordinate: float, low: int, width: int
) -> None:
    number = Number(name="n", low=low, high=low + width, is_whole=True)
    text = number.decode(coordinate)
    assert low <= int(text) <= low + width
    found = number.encode(text)
    assert found is not None and number.decode(found) == text


@pytest.mark.parametrize("scaling", ["Linear", "Logarithmic"])
def test_each_whole_number_comes_up_the_ends_too(scaling: str) -> None:
    number = Number(name="n", low=1, high=6, scaling=scaling, is_whole=True)  # type: ignore[arg-type]
    dice = random.Random(0)
    assert {number.decode(number.sample(dice)) for _ in range(500)} == set("123456")


def test_a_logarithmic_range_gives_each_order_of_magnitude_its_share() -> None:
    number = Number(name="x", low=1e-4, high=1.0, scaling="Logarithmic")
    values = [float(number.decode(index / 1000)) for index in range(1001)]
    assert sum(value < 1e-2 for value in values) == pytest.approx(500, abs=2)
    reverse = Number(name="x", low=0.0, high=0.999, scaling="ReverseLogarithmic")
    values = [float(reverse.decode(index / 1000)) for index in range(1001)]
    assert sum(value > 0.9 for value in values) > 600


def test_a_request_becomes_a_space_and_auto_looks_at_the_ends() -> None:
    space = read_space(
        {
            "IntegerParameterRanges": [{"Name": "layers", "MinValue": "1", "MaxValue": "8"}],
            "ContinuousParameterRanges": [
                {"Name": "rate", "MinValue": "1e-5", "MaxValue": "0.1", "ScalingType": "Auto"},
                {"Name": "drop", "MinValue": "0", "MaxValue": "0.5"},
            ],
            "CategoricalParameterRanges": [{"Name": "kind", "Values": ["a", "b"]}],
        }
    )
    layers, rate, drop, kind = space.parameters
    assert isinstance(layers, Number) and layers.is_whole and layers.scaling == "Linear"
    assert isinstance(rate, Number) and rate.scaling == "Logarithmic"
    assert isinstance(drop, Number) and drop.scaling == "Linear"
    assert kind == Category(name="kind", values=("a", "b"))
    point = space.encode({"layers": "3", "rate": "0.001", "drop": "0.25", "kind": "b"})
    assert point is not None
    values = space.decode(point)
    assert (values["layers"], values["drop"], values["kind"]) == ("3", "0.25", "b")
    assert math.isclose(float(values["rate"]), 0.001)


@pytest.mark.parametrize("values", [{}, {"x": "much"}, {"x": "nan"}, {"x": "1", "kind": "c"}, {"kind": "a"}])
def test_values_that_have_no_place_in_the_space_have_no_point(values: dict[str, str]) -> None:
    space = Space(parameters=(Number(name="x", low=0, high=1), Category(name="kind", values=("a", "b"))))
    assert space.encode(values) is None


def test_combinations_come_in_the_order_of_the_request() -> None:
    space = Space(parameters=(Category(name="a", values=("1", "2")), Category(name="b", values=("x", "y"))))
    found = [tuple(values.values()) for values in space.combinations()]
    assert found == [("1", "x"), ("1", "y"), ("2", "x"), ("2", "y")]
