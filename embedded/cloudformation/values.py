"""What Ref, GetAtt and ImportValue answer inside a stack."""

from typing import Any

from embedded.cloudformation.errors import TemplateError
from embedded.cloudformation.stack import Inputs, Stack, Store
from embedded.cloudformation.templates.intrinsics import UNKNOWN, Resolver
from embedded.cloudformation.templates.schemas import properties_of

PSEUDO_PARAMETERS = (
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
)


class StackLookup:
    """Looks names up in a stack, and remembers which exports of others were used."""

    def __init__(self, stack: Stack, inputs: Inputs, store: Store) -> None:
        self._stack, self._inputs, self._store = stack, inputs, store
        self._pseudo: dict[str, Any] = {
            "AWS::AccountId": stack.account,
            "AWS::NotificationARNs": list(inputs.notification_arns),
            "AWS::Partition": stack.partition,
            "AWS::Region": stack.region,
            "AWS::StackId": stack.arn,
            "AWS::StackName": stack.name,
            "AWS::URLSuffix": "amazonaws.com.cn" if stack.partition == "aws-cn" else "amazonaws.com",
        }
        self.imports: set[str] = set()

    def ref(self, name: str) -> Any:
        """A parameter's value, a pseudo parameter's, or a resource's physical id."""
        if name in self._pseudo:
            return self._pseudo[name]
        if name in self._inputs.parameters:
            return self._inputs.parameters[name].value
        return self.physical_id(name)

    def physical_id(self, logical_id: str) -> Any:
        """The physical id of a resource that must exist by now."""
        if logical_id not in self._stack.resources:
            raise TemplateError(f"Template format error: Unresolved resource dependencies [{logical_id}]")
        return self._stack.resources[logical_id].physical_id

    def attribute(self, logical_id: str, name: str) -> Any:
        """An attribute of a resource that must exist by now."""
        if logical_id not in self._stack.resources:
            raise TemplateError(f"Template error: instance of Fn::GetAtt references undefined resource {logical_id}")
        resource = self._stack.resources[logical_id]
        if name in resource.attributes:
            return resource.attributes[name]
        if name in resource.properties and name in properties_of(resource.type):
            # any property of a type can be had, though only few are documented
            return resource.properties[name]
        raise TemplateError(
            f"Template error: resource {logical_id} ({resource.type}) does not support attribute {name} "
            f"in Fn::GetAtt (it has: {', '.join(sorted(resource.attributes))})"
        )

    def imported(self, name: str) -> Any:
        """The value of another stack's export."""
        found = self._store.exports(self._stack.account, self._stack.region).get(name)
        if found is None:
            raise TemplateError(f"No export named {name} found.")
        self.imports.add(name)
        return found[1].value


class PlanLookup(StackLookup):
    """A lookup before the fact: what does not exist yet is a word that no service would answer."""

    unknown = UNKNOWN

    def __init__(self, stack: Stack, inputs: Inputs, store: Store) -> None:
        super().__init__(stack, inputs, store)
        self.replaced: set[str] = set()
        """The logical ids that will get another physical id, as far as the plan knows by now."""
        self.missing: set[str] = set()
        """The exports that nobody has: they may be there when the plan is carried out."""

    def physical_id(self, logical_id: str) -> Any:
        if logical_id in self.replaced or logical_id not in self._stack.resources:
            return self.unknown
        return super().physical_id(logical_id)

    def attribute(self, logical_id: str, name: str) -> Any:
        if logical_id in self.replaced or logical_id not in self._stack.resources:
            return self.unknown
        return super().attribute(logical_id, name)

    def imported(self, name: str) -> Any:
        if name not in self._store.exports(self._stack.account, self._stack.region):
            self.missing.add(name)
            return self.unknown
        return super().imported(name)


def resolver_of(stack: Stack, inputs: Inputs, lookup: StackLookup) -> Resolver:
    """A resolver for the stack's template."""
    return Resolver(
        lookup=lookup,
        region=stack.region,
        mappings=inputs.template.mappings,
        conditions=inputs.template.conditions,
    )
