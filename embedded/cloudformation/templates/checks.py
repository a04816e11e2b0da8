"""What a template asks for, tried out before anything is made: every function, with every resource still unknown."""

from collections.abc import Collection, Mapping
from typing import Any

from embedded.cloudformation.errors import TemplateError
from embedded.cloudformation.templates.intrinsics import UNKNOWN, Resolver
from embedded.cloudformation.templates.parameters import Parameter
from embedded.cloudformation.templates.template import Resource, Template


class _Unresolved(TemplateError):
    """A reference to a resource that will not be there."""


class _Names:
    """Knows parameters; of resources only whether they will be there."""

    def __init__(self, parameters: Mapping[str, Parameter], pseudo: Mapping[str, Any]) -> None:
        self._parameters, self._pseudo = parameters, pseudo
        self.there: Collection[str] = ()

    def ref(self, name: str) -> Any:
        """A parameter's value, or that a resource has none yet."""
        if name in self._parameters:
            return self._parameters[name].value
        if name.startswith("AWS::"):
            return self._pseudo.get(name, [UNKNOWN] if name == "AWS::NotificationARNs" else UNKNOWN)
        return self.attribute(name, "")

    def attribute(self, logical_id: str, name: str) -> Any:
        """Unknown, for a resource that will be there."""
        if logical_id not in self.there:
            raise _Unresolved(logical_id)
        return UNKNOWN

    def imported(self, name: str) -> Any:
        """Read when the stack is deployed."""
        return UNKNOWN


def check_functions(
    template: Template, parameters: Mapping[str, Parameter], pseudo: Mapping[str, Any], region: str
) -> None:
    """Raise where a function cannot be worked out, whatever the resources will turn out to be."""
    names = _Names(parameters, pseudo)
    resolver = Resolver(lookup=names, region=region, mappings=template.mappings, conditions=template.conditions)
    wanted: list[Resource] = [
        item for item in template.resources.values() if item.condition is None or resolver.holds(item.condition)
    ]
    names.there = {item.logical_id for item in wanted}
    for resource in wanted:
        try:
            resolver.resolve(resource.properties)
        except _Unresolved as missing:
            raise TemplateError(
                f"Template format error: Unresolved resource dependencies [{missing}] in the Resources block of the "
                "template"
            ) from None
    for output in template.outputs.values():
        condition = output.get("Condition")
        if condition is not None and not resolver.holds(condition):
            continue
        try:
            resolver.resolve(output["Value"])
        except _Unresolved as missing:
            raise TemplateError(
                f"Unresolved resource dependencies [{missing}] in the Outputs block of the template"
            ) from None
