"""A template's values in words: references by the names that the code gives them."""

import json
import re
from collections.abc import Mapping
from typing import Any

from yard.difference.sides import Side, Stack

_PSEUDO = {
    "AWS::AccountId": "<account>",
    "AWS::NoValue": "nothing",
    "AWS::Partition": "aws",
    "AWS::Region": "<region>",
    "AWS::StackName": "<stack>",
    "AWS::URLSuffix": "amazonaws.com",
}
_PLACE = re.compile(r"\$\{([^!}][^}]*)\}")


def is_expression(value: Any) -> bool:
    """Whether CloudFormation works the value out at deploy."""
    return (
        isinstance(value, Mapping) and len(value) == 1 and any(key == "Ref" or key.startswith("Fn::") for key in value)
    )


def holds_expression(value: Any) -> bool:
    """Whether CloudFormation works out a part of the value at deploy."""
    if isinstance(value, Mapping):
        return is_expression(value) or any(map(holds_expression, value.values()))
    return isinstance(value, list) and any(map(holds_expression, value))


def readable(value: Any, stack: Stack, side: Side) -> str:
    """A value in words."""
    if isinstance(value, str):
        return value
    if is_expression(value):
        ((function, given),) = value.items()
        return _worked_out(function, given, stack, side)
    if isinstance(value, list):
        return ", ".join(readable(one, stack, side) for one in value)
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key}: {readable(one, stack, side)}" for key, one in value.items())
        return f"{{{inner}}}"
    return json.dumps(value)


def referred(value: Any) -> set[str]:
    """The logical ids and parameters that a value refers to."""
    if isinstance(value, list):
        return set().union(*map(referred, value))
    if not isinstance(value, Mapping):
        return set()
    if is_expression(value):
        ((function, given),) = value.items()
        if function == "Ref":
            return {str(given)}
        if function == "Fn::GetAtt":
            return {str(given[0]) if isinstance(given, list) else str(given).partition(".")[0]}
        if function == "Fn::Sub":
            text = given if isinstance(given, str) else given[0]
            return {name.partition(".")[0] for name in _PLACE.findall(text)} | referred(given)
    return set().union(*map(referred, value.values()))


def _worked_out(function: str, given: Any, stack: Stack, side: Side) -> str:
    if function == "Ref":
        return _named(str(given), stack)
    if function == "Fn::GetAtt":
        name, _, attribute = (".".join(given) if isinstance(given, list) else str(given)).partition(".")
        return _named(name, stack) + ("" if attribute == "Arn" else f".{attribute}")
    if function == "Fn::ImportValue" and given in side.exports:
        maker, value = side.exports[given]
        return readable(value, maker, side)
    if function == "Fn::Join" and isinstance(given[1], list):
        return str(given[0]).join(readable(one, stack, side) for one in given[1])
    if function == "Fn::Sub":
        text, own = (given, {}) if isinstance(given, str) else given
        return _PLACE.sub(lambda place: _placed(place[1], own, stack, side), text)
    if function == "Fn::If":
        return _either(*given, stack=stack, side=side)
    return f"{function.removeprefix('Fn::')}({readable(given, stack, side)})"


def _named(name: str, stack: Stack) -> str:
    if name in _PSEUDO:
        return _PSEUDO[name]
    return f"<{stack.label(name) if name in stack.resources else name}>"


def _placed(place: str, own: Mapping[str, Any], stack: Stack, side: Side) -> str:
    if place in own:
        return readable(own[place], stack, side)
    return _worked_out("Fn::GetAtt" if "." in place else "Ref", place, stack, side)


def _either(condition: str, then: Any, otherwise: Any, *, stack: Stack, side: Side) -> str:
    """A parameter that was not given leaves what the app says, and that is what a person looks for."""
    if isinstance(then, Mapping) and condition == f"{then.get('Ref')}Given" and then["Ref"] not in stack.parameters:
        return readable(otherwise, stack, side)
    return f"{readable(then, stack, side)} if {condition}, else {readable(otherwise, stack, side)}"
