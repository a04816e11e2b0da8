"""All rules of ours at once."""

from collections.abc import Iterator

from shardyard.template_rules import house, sagemaker
from shardyard.template_rules.model import Assembly, Finding, Rule
from shardyard.template_rules.publishers import publishers_may_publish
from shardyard.template_rules.security_hub import CONTROLS

RULES: tuple[Rule, ...] = (
    *house.RULES,
    publishers_may_publish,
    *sagemaker.RULES,
    *(control.check for control in CONTROLS),
)


def check(assembly: Assembly) -> Iterator[Finding]:
    """Everything that our rules refuse in these templates."""
    for rule in RULES:
        yield from rule(assembly)
