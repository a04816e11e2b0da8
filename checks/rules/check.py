"""Runs all of these rules."""

from collections.abc import Iterator

from checks.rules import house, sagemaker
from checks.rules.model import Assembly, Finding, Rule
from checks.rules.publishers import publishers_may_publish
from checks.rules.security_hub import CONTROLS

RULES: tuple[Rule, ...] = (
    *house.RULES,
    publishers_may_publish,
    *sagemaker.RULES,
    *(control.check for control in CONTROLS),
)


def check(assembly: Assembly) -> Iterator[Finding]:
    """Everything that the rules refuse in these templates."""
    for rule in RULES:
        yield from rule(assembly)
