"""The parameters of the settings, and what a deploy may give for a parameter."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from shardyard.spec.errors import Problem, nearest
from shardyard.spec.parameter import Parameter
from shardyard.spec.settings.account import EMAIL
from shardyard.spec.settings.notebook_types import NOTEBOOK_TYPES
from shardyard.spec.settings.notebooks import GIT_BRANCH, GIT_URL, GIT_URL_SAYS
from shardyard.spec.settings.settings import Settings

ALERT_EMAIL = Parameter(
    name="AlertEmail",
    part="observability",
    overrides="alerts.email",
    says="an e-mail address such as team@example.com",
    pattern=EMAIL,
)
MONTHLY_BUDGET = Parameter(
    name="MonthlyBudgetUsd",
    part="observability",
    overrides="budget.monthly_usd",
    says="an amount from 1 to 100000 USD",
    pattern=r"100000|[1-9][0-9]{0,4}(\.[0-9]{1,2})?",
)
NOTEBOOK_INSTANCE_TYPE = Parameter(
    name="NotebookInstanceType",
    part="notebooks",
    overrides="notebooks.instance_type",
    says="an instance type such as ml.t3.medium",
    allowed=NOTEBOOK_TYPES,
)
# The role may pull from the CodeCommit repositories that the settings name, and from no other.
NOTEBOOK_GIT_URL = Parameter(
    name="NotebookGitUrl",
    part="notebooks",
    overrides="notebooks.git_url",
    says=f"{GIT_URL_SAYS}; one of CodeCommit stands in the settings alone",
    pattern=rf"(?!https://git-codecommit\.){GIT_URL}",
)
NOTEBOOK_GIT_BRANCH = Parameter(
    name="NotebookGitBranch",
    part="notebooks",
    overrides="notebooks.git_branch",
    says="a branch's name",
    pattern=GIT_BRANCH,
)
FOUNDATION = (ALERT_EMAIL, MONTHLY_BUDGET, NOTEBOOK_INSTANCE_TYPE, NOTEBOOK_GIT_URL, NOTEBOOK_GIT_BRANCH)
"""The parameters that do not depend on the jobs."""


def notebook_git_url(access: str) -> Parameter:
    """The parameter for the repository; it accepts no address unless the settings give a way to another host."""
    if access in ("own-route", "direct"):
        return NOTEBOOK_GIT_URL
    says = f"left empty while notebooks.git_access is {access!r} (a notebook that cannot reach its host never starts)"
    return replace(NOTEBOOK_GIT_URL, pattern="", says=says)


def of_settings(settings: Settings) -> tuple[Parameter, ...]:
    """The parameters of these settings' stacks, without the jobs'; those of notebooks only if there are notebooks."""
    if not settings.notebooks.enabled:
        return (ALERT_EMAIL, MONTHLY_BUDGET)
    url = notebook_git_url(settings.notebooks.git_access)
    return (ALERT_EMAIL, MONTHLY_BUDGET, NOTEBOOK_INSTANCE_TYPE, url, NOTEBOOK_GIT_BRANCH)


def check_values(parameters: Iterable[Parameter], given: Mapping[str, str]) -> list[Problem]:
    """Check `Name=value` pairs before any deploy; for unknown names, suggest the nearest."""
    known = {parameter.name: parameter for parameter in parameters}
    problems: list[Problem] = []
    for name, value in given.items():
        if name not in known:
            problems.append(Problem(name, f"unknown parameter; {nearest(name, list(known))}"))
            continue
        problem = known[name].problem(value)
        if problem is not None:
            problems.append(problem)
    return problems
