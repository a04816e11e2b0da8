"""The helper that keeps a test from passing on nothing."""

from collections.abc import Iterable

import pytest

from tests.support.some import some


def test_what_was_found_is_passed_on() -> None:
    assert list(some(number for number in (1, 2))) == [1, 2]


@pytest.mark.parametrize("nothing", [[], (), iter([])])
def test_nothing_found_fails(nothing: Iterable[int]) -> None:
    with pytest.raises(AssertionError, match="nothing was found"):
        some(nothing)
