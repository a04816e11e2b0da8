"""The guard's verdicts against an evaluator that others wrote, on the same cases.

Where the two differ, AWS's own sentence decides: every difference is listed here with it, and no other is allowed.
"""

import re
from dataclasses import dataclass

import pytest

from checks.iam.second_evaluator import answers
from embedded.access.evaluation.conditions import operators
from embedded.access.evaluation.decision import Question, decide
from tests.support.access.evaluated_cases import cases, operator_names, simulation

CASES = cases()


@dataclass(frozen=True, kw_only=True, slots=True)
class Theirs:
    """Cases in which the second evaluator is wrong, with the sentence that says so."""

    name: str
    """A pattern of the cases' names."""

    sentence: str
    page: str
    """The page of the IAM user guide, read on 2026-11-30."""


DIFFERENCES = [
    Theirs(
        name=r"variable .*, 2008-10-17",
        sentence="variables such as ${aws:username} aren't recognized as variables and are instead treated as literal "
        "strings in the policy",
        page="reference_policies_elements_version",
    ),
    Theirs(
        name=r"variable not told in StringNotEquals",
        sentence="Inverted condition operators like StringNotEquals or StringNotLike do match against a null value",
        page="reference_policies_variables",
    ),
    Theirs(
        name=r"Date\w+ .*1780272000.*",
        sentence="You must specify date/time values with one of the W3C implementations of the ISO 8601 date formats "
        "or in epoch (UNIX) time",
        page="reference_policies_elements_condition_operators",
    ),
    Theirs(
        name=r"NotIpAddress(IfExists)? 10\.1\.2\.3 of 2001:db8::1",
        sentence="All IP addresses except the specified IP address or range",
        page="reference_policies_elements_condition_operators",
    ),
    Theirs(
        name=r"ForAnyValue:String\w+IfExists of (\[\]|None)",
        sentence="If the key is not present, evaluate the condition element as true",
        page="reference_policies_elements_condition_operators",
    ),
    Theirs(
        name=r"session, \w+ here names (the caller|everyone|every AWS principal), own allows, session policy is silent",
        sentence="Permissions granted directly to a session are not limited by an implicit deny in an identity-based "
        "policy, a permissions boundary, or session policy",
        page="reference_policies_evaluation-logic_policy-eval-denyallow",
    ),
]


def ours(question: Question) -> str:
    found = decide(question)
    return "Allowed" if found.allowed else "ExplicitlyDenied" if found.is_explicit else "ImplicitlyDenied"


@pytest.fixture(scope="module")
def theirs() -> dict[str, str]:
    """What the second evaluator says of every case; it refuses none as badly put."""
    found = answers([simulation(question) for question in CASES.values()])
    assert [one["error"] for one in found if "error" in one] == []
    # a key that it leaves out of its thoughts would make the case another one
    assert [name for name, one in zip(CASES, found, strict=True) if one["ignored"]] == []
    return {name: one["result"] for name, one in zip(CASES, found, strict=True)}


def test_both_evaluators_say_the_same(theirs: dict[str, str]) -> None:
    differ = [name for name, question in CASES.items() if ours(question) != theirs[name]]
    unexplained = [name for name in differ if not any(re.fullmatch(one.name, name) for one in DIFFERENCES)]
    assert [f"{name}: {ours(CASES[name])}, they say {theirs[name]}" for name in unexplained] == []
    assert [one.name for one in DIFFERENCES if not any(re.fullmatch(one.name, name) for name in differ)] == []


def test_the_cases_are_many_and_of_both_answers(theirs: dict[str, str]) -> None:
    assert len(CASES) > 1000
    counted = {answer: list(theirs.values()).count(answer) for answer in set(theirs.values())}
    assert min(counted.values()) > 100, counted
    assert set(counted) == {"Allowed", "ExplicitlyDenied", "ImplicitlyDenied"}


def test_every_operator_that_we_evaluate_has_cases() -> None:
    """A binary key is none that a service of ours has, so no case can ask for one."""
    assert set(operators()) - {name for _, name in operator_names()} == {"BinaryEquals", "Null"}
