"""Stack parameters of two sides, and the deployed values that a change would lose."""

from collections.abc import Iterator

from yard.difference.report import ParameterChange
from yard.difference.sides import Side, Stack

_RULES = ("AllowedPattern", "AllowedValues", "Default", "Type")


def changes(before: Side, after: Side) -> Iterator[ParameterChange]:
    """What becomes of each parameter of the stacks that stay."""
    for stack in after.stacks:
        old = before.by_name.get(stack.name)
        if old is not None:
            yield from _of_stack(old, stack)


def _of_stack(old: Stack, new: Stack) -> Iterator[ParameterChange]:
    then, now = old.template.get("Parameters", {}), new.template.get("Parameters", {})
    for name in dict.fromkeys([*then, *now]):
        value = old.parameters.get(name)
        if name not in then:
            yield ParameterChange(stack=new.name, parameter=name, action="added")
        elif name not in now:
            yield ParameterChange(stack=new.name, parameter=name, action="removed", value=value)
        elif any(then[name].get(rule) != now[name].get(rule) for rule in _RULES):
            yield ParameterChange(stack=new.name, parameter=name, action="changed", value=value)
