"""A template's rules: assertions on its parameters, such as CDK's on the version of the bootstrap stack."""

from collections.abc import Mapping
from typing import Any

from embedded.cloudformation.errors import TemplateError
from embedded.cloudformation.templates.intrinsics import Resolver
from embedded.cloudformation.templates.parameters import Parameter
from embedded.cloudformation.templates.template import Template
from embedded.operations import Call


class _Parameters:
    """Rules see parameters and nothing else."""

    def __init__(self, values: Mapping[str, Parameter]) -> None:
        self._values = values

    def ref(self, name: str) -> Any:
        """A parameter's value."""
        if name not in self._values:
            raise TemplateError(f"Template error: a rule refers to {name}, which is not a parameter")
        return self._values[name].value

    def attribute(self, logical_id: str, name: str) -> Any:
        """Rules cannot see resources."""
        raise TemplateError("Template error: Fn::GetAtt is not allowed in Rules")

    def imported(self, name: str) -> Any:
        """Rules cannot see other stacks."""
        raise TemplateError("Template error: Fn::ImportValue is not allowed in Rules")


def check_rules(template: Template, values: Mapping[str, Parameter], call: Call) -> None:
    """Raise the description of the first assertion that does not hold."""
    resolver = Resolver(lookup=_Parameters(values), region=call.region, mappings=template.mappings, conditions={})
    for rule in template.rules.values():
        if "RuleCondition" in rule and not resolver.test(rule["RuleCondition"]):
            continue
        for assertion in rule.get("Assertions", ()):
            if not resolver.test(assertion["Assert"]):
                raise TemplateError(
                    f"Template validation error: {assertion.get('AssertDescription', assertion['Assert'])}"
                )
