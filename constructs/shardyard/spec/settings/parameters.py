"""CloudFormation parameters: what a deploy can change without a new synth.

Each is a text whose default is empty, and empty means "as in the settings". The first deploy would freeze a real
default: the CDK command keeps the previous value of every parameter that is not given again.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from shardyard.spec.errors import Problem, nearest
from shardyard.spec.settings.notebook_types import NOTEBOOK_TYPES
from shardyard.spec.settings.notebooks import GIT_BRANCH, GIT_URL, GIT_URL_SAYS
from shardyard.spec.settings.parts import EMAIL
from shardyard.spec.settings.settings import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """One value that a deploy may override."""

    name: str
    """The parameter's name in its template."""
    part: str
    """The part of the project whose stack has the parameter: `observability`, `training`, ..."""
    overrides: str
    """The setting or job value that it overrides unless empty, as its file names it."""
    says: str
    """The allowed values in words."""
    allowed: tuple[str, ...] = ()
    """The allowed values, if they can be listed; the empty text is always allowed."""
    pattern: str = ".+"
    """The pattern of a value that is not empty, if they cannot be listed."""

    def __post_init__(self) -> None:
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9]{0,254}", self.name), self.name

    @property
    def description(self) -> str:
        """The text that the console shows beside it."""
        return f"Overrides {self.overrides}; empty means as it stands there"

    @property
    def constraint(self) -> str:
        """The sentence with which CloudFormation refuses a value."""
        return f"must be {self.says}, or empty for {self.overrides} as it stands"

    @property
    def allowed_values(self) -> tuple[str, ...]:
        """The template's AllowedValues, or nothing."""
        return ("", *self.allowed) if self.allowed else ()

    @property
    def allowed_pattern(self) -> str:
        """The template's AllowedPattern, which also matches the empty text."""
        return f"^({self.pattern})?$"

    def problem(self, value: str) -> Problem | None:
        """The problem that CloudFormation would report for a value, or None."""
        fits = value in self.allowed_values if self.allowed else re.fullmatch(f"({self.pattern})?", value) is not None
        return None if fits else Problem(self.name, f"{value!r} is not allowed: it {self.constraint}")


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
