"""JSONata as Step Functions evaluates it."""

import re
from typing import Any

import pytest

from embedded.services.stepfunctions.jsonata.evaluation import ExpressionError, Undefined, evaluate
from embedded.services.stepfunctions.jsonata.values import Unsupported

STATES = {"input": {"numbers": [1, 2, None], "price": 2.0, "nothing": None}}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("$states.input.price * 2", 4),
        ("$string($states.input.price)", "2"),
        ("$states.input.numbers", [1, 2, None]),
        ("$states.input.nothing", None),
        ("$exists($states.input.nothing)", True),
        ("{'a': $states.input.absent}", {}),
        ("$partition([0, 1, 2], 2)", [[0, 1], [2]]),
        ("$partition([0], 3)", [[0]]),
        ("$range(0, 9, 3)", [0, 3, 6, 9]),
        ("$range(5, 1, -2)", [5, 3, 1]),
        ("$range(1, 9, 9)", 1),
        ("$hash('a', 'SHA-1')", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
        ("$parse('{\"a\": [1, null]}')", {"a": [1, None]}),
        ("$random(7) = $random(7)", True),
        ("$limit > 3", True),
    ],
)
def test_an_expression_has_its_value(expression: str, expected: Any) -> None:
    assert evaluate(expression, {"states": STATES, "limit": 5}) == expected


def test_whole_numbers_have_no_point() -> None:
    assert str(evaluate("$states.input.price / 1", {"states": STATES})) == "2"


def test_an_id_is_unique_and_random_numbers_lie_between_zero_and_one() -> None:
    first, second = evaluate("[$uuid(), $uuid()]", {})
    assert first != second
    assert re.fullmatch(r"[0-9a-f-]{36}", first)
    assert 0 <= evaluate("$random()", {}) < 1


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("$eval('1')", "T1006: Attempted to invoke a non-function"),
        ("$randomSeeded(3)", "T1006: Attempted to invoke a non-function"),
        ("'a' + 1", "T2001: The left side of the + operator must evaluate to a number"),
        ("$hash('a', 'CRC')", "T0410: Argument 2 of function hash does not match function signature"),
        ("$parse('{')", "T0410: Argument 1 of function parse does not match function signature"),
        ("$partition([1], 0)", "T0410: Argument 2 of function partition does not match function signature"),
        ("$range(1, 2, 0)", "T0410: Argument 3 of function range does not match function signature"),
        ("1 +", "S0207: Unexpected end of expression"),
        ("($f := function($n) {$f($n + 1) + 1}; $f(1))", "Stack overflow error"),
    ],
)
def test_what_fails_says_why(expression: str, text: str) -> None:
    with pytest.raises(ExpressionError, match=re.escape(text)):
        evaluate(expression, {})


def test_nothing_is_told_from_null_and_functions_are_no_results() -> None:
    with pytest.raises(Undefined):
        evaluate("$states.input.absent", {"states": STATES})
    with pytest.raises(Unsupported):
        evaluate("function($x) {$x}", {})
