"""A CloudFormation parameter: a value that can be changed at deploy, without a new synth.

Each is a text whose default is empty, and empty means "as it stands where it is written". The first deploy would
freeze a real default: the CDK command keeps the previous value of every parameter that is not given again.
"""

import re
from dataclasses import dataclass

from shardyard.spec.errors import Problem, said


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
        return f"must be {self.says}, or empty"

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
        return None if fits else Problem(self.name, f"{said(value)} is not allowed: it {self.constraint}")
