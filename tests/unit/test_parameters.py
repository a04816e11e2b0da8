"""Parameters: empty means as in the settings, a bad value is found before any deploy."""

import re

import pytest

from shardyard.spec import parameters
from shardyard.spec.parameters import FOUNDATION, Parameter, check_values


@pytest.mark.parametrize("parameter", FOUNDATION, ids=lambda parameter: parameter.name)
def test_the_empty_text_is_always_allowed(parameter: Parameter) -> None:
    assert parameter.problem("") is None
    assert re.fullmatch(parameter.allowed_pattern, "")


@pytest.mark.parametrize(
    ("parameter", "good", "bad"),
    [
        (parameters.ALERT_EMAIL, "team@example.com", "team@example"),
        (parameters.MONTHLY_BUDGET, "99.50", "0"),
        (parameters.MONTHLY_BUDGET, "100000", "100001"),
        (parameters.MONTHLY_BUDGET, "1", "-5"),
        (parameters.NOTEBOOK_INSTANCE_TYPE, "ml.t3.medium", "t3.medium"),
        (parameters.NOTEBOOK_GIT_URL, "https://github.com/a/b", "https://me:secret@github.com/a/b"),
        (parameters.NOTEBOOK_GIT_BRANCH, "feature/x-1", "two words"),
    ],
)
def test_the_pattern_takes_and_refuses(parameter: Parameter, good: str, bad: str) -> None:
    assert parameter.problem(good) is None
    assert str(parameter.problem(bad)) == f"{parameter.name}: {bad!r} is not allowed: it {parameter.constraint}"


def test_listed_values_hold_the_empty_text_too() -> None:
    parameter = Parameter(
        name="Spot", part="training", overrides="spot.enabled", says="true or false", allowed=("true", "false")
    )
    assert parameter.allowed_values == ("", "true", "false")
    assert parameter.problem("") is None
    assert str(parameter.problem("yes")) == (
        "Spot: 'yes' is not allowed: it must be true or false, or empty for spot.enabled as it stands"
    )


def test_unknown_names_are_told_from_their_nearest() -> None:
    found = [str(problem) for problem in check_values(FOUNDATION, {"AlertMail": "a@b.c", "MonthlyBudgetUsd": "250"})]
    assert found == ["AlertMail: unknown parameter; did you mean 'AlertEmail'?"]
