"""Parameters: empty means as in the settings, a bad value is found before any deploy."""

import re

import botocore.session
import pytest
from botocore.model import StringShape, StructureShape

from shardyard.spec.parameter import Parameter
from shardyard.spec.settings import parameters
from shardyard.spec.settings.notebook_types import NOTEBOOK_TYPES
from shardyard.spec.settings.parameters import FOUNDATION, check_values
from shardyard.spec.settings.settings import Settings


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
        (parameters.NOTEBOOK_INSTANCE_TYPE, "ml.g5.xlarge", "ml.zz.foo"),
        (parameters.NOTEBOOK_GIT_URL, "https://github.com/a/b", "https://me:secret@github.com/a/b"),
        (
            parameters.NOTEBOOK_GIT_URL,
            "https://github.com/a/b",
            "https://git-codecommit.us-east-1.amazonaws.com/v1/repos/x",
        ),
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
    assert str(parameter.problem("yes")) == ("Spot: 'yes' is not allowed: it must be true or false, or empty")


def test_unknown_names_are_told_from_their_nearest() -> None:
    found = [str(problem) for problem in check_values(FOUNDATION, {"AlertMail": "a@b.c", "MonthlyBudgetUsd": "250"})]
    assert found == ["AlertMail: unknown parameter; did you mean 'AlertEmail'?"]


def test_a_repository_that_no_notebook_can_reach_is_refused_before_any_deploy() -> None:
    given = {"NotebookGitUrl": "https://github.com/a/b"}
    settings = Settings.from_context({"notebooks.enabled": "true"})
    found = [str(problem) for problem in check_values(parameters.of_settings(settings), given)]
    assert found == [
        "NotebookGitUrl: 'https://github.com/a/b' is not allowed: it must be left empty while notebooks.git_access is "
        "'none' (a notebook that cannot reach its host never starts), or empty"
    ]
    direct = Settings.from_context({"notebooks.enabled": "true", "notebooks.git_access": "direct"})
    assert check_values(parameters.of_settings(direct), given) == []


def test_without_notebooks_their_parameters_are_unknown() -> None:
    known = parameters.of_settings(Settings.from_context({}))
    assert [str(problem) for problem in check_values(known, {"NotebookGitBranch": "main"})] == [
        "NotebookGitBranch: unknown parameter; known: AlertEmail, MonthlyBudgetUsd"
    ]


def test_the_notebook_types_are_those_of_botocore() -> None:
    service = botocore.session.get_session().get_service_model("sagemaker")
    request = service.shape_for("CreateNotebookInstanceInput")
    assert isinstance(request, StructureShape)
    kind = request.members["InstanceType"]
    assert isinstance(kind, StringShape)
    assert sorted(NOTEBOOK_TYPES) == sorted(kind.enum)
