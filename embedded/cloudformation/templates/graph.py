"""Which resource must be there before which."""

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from embedded.cloudformation.errors import TemplateError
from embedded.cloudformation.templates.intrinsics import references
from embedded.cloudformation.templates.template import Resource, Template


def dependencies(resource: Resource, names: Iterable[str]) -> set[str]:
    """The resources among `names` that this one needs: by DependsOn, and by what its properties refer to."""
    return (references(resource.properties) | set(resource.depends_on)) & set(names)


def in_order(resources: Mapping[str, Resource]) -> list[str]:
    """The logical ids in an order in which each comes after what it needs."""
    needs = {name: sorted(dependencies(resource, resources)) for name, resource in resources.items()}
    try:
        return list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        raise TemplateError(
            f"Circular dependency between resources: [{', '.join(sorted(set(error.args[1])))}]"
        ) from None


def check_references(template: Template, pseudo: Iterable[str]) -> None:
    """Raise if anything refers to a name that the template does not have."""
    known = set(template.resources) | set(template.parameters) | set(pseudo)
    for resource in template.resources.values():
        missing = (references(resource.properties) | set(resource.depends_on)) - known
        if missing:
            raise TemplateError(
                f"Template format error: Unresolved resource dependencies [{', '.join(sorted(missing))}] "
                "in the Resources block of the template"
            )
        if resource.condition is not None and resource.condition not in template.conditions:
            raise TemplateError(
                f"Template format error: Condition {resource.condition} of {resource.logical_id} is not defined"
            )
    for output in template.outputs.values():
        missing = references(output.get("Value")) - known
        if missing:
            raise TemplateError(
                f"Template format error: Unresolved resource dependencies [{', '.join(sorted(missing))}] "
                "in the Outputs block of the template"
            )
