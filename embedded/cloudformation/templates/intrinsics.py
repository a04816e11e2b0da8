"""Intrinsic functions: from what the template writes to what a service is given."""

import base64
import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from embedded.cloudformation.errors import TemplateError

_PLACEHOLDER = re.compile(r"\$\{(!?)([^}]*)\}")
_ZONES = "abcdef"
_MISUSES = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What a function's own code raises when the template gives it something of another form."""

UNKNOWN = "{{changeSet:KNOWN_AFTER_APPLY}}"
"""Stands, in a plan, for what only the deployment will know; nothing may be taken out of it."""


class _NoValue:
    """The property that is not there: `Ref: AWS::NoValue`."""


NO_VALUE = _NoValue()


class Lookup(Protocol):
    """What the functions ask for outside of the template's text."""

    def ref(self, name: str) -> Any:
        """The value of a parameter, a pseudo parameter or a resource's physical id."""

    def attribute(self, logical_id: str, name: str) -> Any:
        """An attribute of a resource."""

    def imported(self, name: str) -> Any:
        """The value of another stack's export."""


@dataclass(kw_only=True, slots=True)
class Resolver:
    """Resolves values; conditions are worked out once and remembered."""

    lookup: Lookup
    region: str
    mappings: Mapping[str, Any]
    conditions: Mapping[str, Any]
    _known: dict[str, bool] | None = None
    _pending: list[str] = field(default_factory=list)
    """The conditions that are being worked out: one that needs itself has no answer."""

    def resolve(self, value: Any) -> Any:
        """The value with every intrinsic function replaced by what it stands for; NO_VALUE if it is to be left out."""
        if isinstance(value, dict):
            function = _function_of(value)
            if function is not None:
                name, argument = function
                try:
                    return _FUNCTIONS[name](self, argument)
                except _MISUSES:
                    raise TemplateError(f"Template error: {name} cannot be used like this: {argument!r}") from None
            pairs = ((key, self.resolve(item)) for key, item in value.items())
            return {key: item for key, item in pairs if item is not NO_VALUE}
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not NO_VALUE]
        return value

    def holds(self, name: str) -> bool:
        """Whether a condition of the template holds."""
        if self._known is None:
            self._known = {}
        if name not in self._known:
            if name not in self.conditions:
                raise TemplateError(f"Template format error: Unresolved condition {name}")
            if name in self._pending:
                raise TemplateError(f"Template format error: Circular dependency between conditions: {name}")
            self._pending.append(name)
            self._known[name] = self.test(self.conditions[name])
        return self._known[name]

    def test(self, expression: Any) -> bool:
        """The truth of a condition function, or of one of a rule's functions."""
        if isinstance(expression, dict) and len(expression) == 1:
            name, argument = next(iter(expression.items()))
            if name in _TESTS:
                try:
                    return _TESTS[name](self, argument)
                except _MISUSES:
                    raise TemplateError(f"Template error: {name} cannot be used like this: {argument!r}") from None
        raise TemplateError(f"Template format error: not a condition: {expression}")


def _function_of(value: dict[str, Any]) -> tuple[str, Any] | None:
    if len(value) != 1:
        return None
    name, argument = next(iter(value.items()))
    if name in _FUNCTIONS:
        return name, argument
    if name.startswith("Fn::"):
        raise TemplateError(f"Template error: the embedded cloud does not know the function {name}")
    return None


def _ref(resolver: Resolver, name: Any) -> Any:
    if name == "AWS::NoValue":
        return NO_VALUE
    return resolver.lookup.ref(name)


def _get_att(resolver: Resolver, argument: Any) -> Any:
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    if not isinstance(parts, list) or len(parts) != 2 or not all(parts):
        raise TemplateError(
            "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the "
            "resource attribute"
        )
    return resolver.lookup.attribute(parts[0], resolver.resolve(parts[1]))


def _sub(resolver: Resolver, argument: Any) -> str:
    text, variables = argument if isinstance(argument, list) else (argument, {})

    def replace(match: re.Match[str]) -> str:
        literal, name = match[1], match[2].strip()
        if literal:
            return f"${{{match[2]}}}"
        if name in variables:
            return _as_text(resolver.resolve(variables[name]))
        value = _get_att(resolver, name) if "." in name else resolver.lookup.ref(name)
        return _as_text(value)

    return _PLACEHOLDER.sub(replace, text)


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(_as_text(item) for item in value)
    return str(value)


def _join(resolver: Resolver, argument: Any) -> str:
    separator, items = argument
    resolved = resolver.resolve(items)
    if resolved == UNKNOWN or any(UNKNOWN in str(item) for item in resolved):
        return UNKNOWN
    if not isinstance(resolved, list):
        raise TemplateError(f"Template error: Fn::Join needs a list, not {resolved!r}")
    return str(separator).join(_as_text(item) for item in resolved)


def _select(resolver: Resolver, argument: Any) -> Any:
    index, items = resolver.resolve(argument[0]), resolver.resolve(argument[1])
    if UNKNOWN in (index, items):
        return UNKNOWN
    if isinstance(items, str):
        items = items.split(",")
    if not str(index).isdigit() or not isinstance(items, list) or int(index) >= len(items):
        raise TemplateError(
            "Template error: Fn::Select requires a list argument with two elements: an integer index and a list"
        )
    return items[int(index)]


def _split(resolver: Resolver, argument: Any) -> Any:
    separator, text = argument[0], str(resolver.resolve(argument[1]))
    return UNKNOWN if UNKNOWN in text else text.split(str(separator))


def _if(resolver: Resolver, argument: Any) -> Any:
    condition, yes, no = argument
    if condition not in resolver.conditions:
        raise TemplateError(f"Template error: unresolved condition dependency {condition} in Fn::If")
    return resolver.resolve(yes if resolver.holds(condition) else no)


def _find_in_map(resolver: Resolver, argument: Any) -> Any:
    name, first, second = (resolver.resolve(item) for item in argument[:3])
    try:
        return resolver.mappings[name][first][second]
    except KeyError:
        if len(argument) > 3:
            return resolver.resolve(argument[3]["DefaultValue"])
        raise TemplateError(f"Template error: Unable to get mapping for {name}::{first}::{second}") from None


def _cidr(resolver: Resolver, argument: Any) -> Any:
    block, count = resolver.resolve(argument[0]), int(resolver.resolve(argument[1]))
    if block == UNKNOWN:
        return UNKNOWN
    bits = int(resolver.resolve(argument[2])) if len(argument) > 2 else 8
    network = ipaddress.ip_network(block)
    subnets = network.subnets(new_prefix=network.max_prefixlen - bits)
    return [str(next(subnets)) for _ in range(count)]


def _get_azs(resolver: Resolver, argument: Any) -> list[str]:
    region = resolver.resolve(argument) if argument else ""
    return [f"{region if region else resolver.region}{zone}" for zone in _ZONES[:3]]


def _base64(resolver: Resolver, argument: Any) -> str:
    text: str = resolver.resolve(argument)
    return UNKNOWN if UNKNOWN in text else base64.b64encode(text.encode()).decode()


def _length(resolver: Resolver, argument: Any) -> Any:
    items = resolver.resolve(argument)
    return UNKNOWN if items == UNKNOWN else len(items)


def _to_json_string(resolver: Resolver, argument: Any) -> str:
    return json.dumps(resolver.resolve(argument), separators=(",", ":"))


def _import_value(resolver: Resolver, argument: Any) -> Any:
    return resolver.lookup.imported(resolver.resolve(argument))


def _equals(resolver: Resolver, argument: Any) -> bool:
    left, right = (resolver.resolve(item) for item in argument)
    return _as_text(left) == _as_text(right)


def _contains(resolver: Resolver, argument: Any) -> bool:
    items, wanted = (resolver.resolve(item) for item in argument)
    return _as_text(wanted) in [_as_text(item) for item in items]


_FUNCTIONS: dict[str, Callable[[Resolver, Any], Any]] = {
    "Ref": _ref,
    "Fn::Base64": _base64,
    "Fn::Cidr": _cidr,
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAZs": _get_azs,
    "Fn::GetAtt": _get_att,
    "Fn::If": _if,
    "Fn::ImportValue": _import_value,
    "Fn::Join": _join,
    "Fn::Length": _length,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
    "Fn::ToJsonString": _to_json_string,
}
_TESTS: dict[str, Callable[[Resolver, Any], bool]] = {
    "Condition": lambda resolver, name: resolver.holds(name),
    "Fn::And": lambda resolver, items: all([resolver.test(item) for item in items]),
    "Fn::Or": lambda resolver, items: any([resolver.test(item) for item in items]),
    "Fn::Not": lambda resolver, items: not resolver.test(items[0]),
    "Fn::Equals": _equals,
    "Fn::Contains": _contains,
    "Fn::EachMemberIn": lambda resolver, pair: (
        set(map(_as_text, resolver.resolve(pair[0]))) <= set(map(_as_text, resolver.resolve(pair[1])))
    ),
}


def references(value: Any) -> set[str]:
    """The names that a value refers to by Ref, GetAtt or Sub: parameters, pseudo parameters and resources alike."""
    found: set[str] = set()
    _collect(value, found)
    return found


def attribute_references(value: Any) -> set[str]:
    """The attributes that a value refers to by GetAtt or Sub: `Resource.Attribute`."""
    found: set[str] = set()
    if isinstance(value, list):
        return found.union(*map(attribute_references, value))
    if not isinstance(value, dict):
        return found
    for name, argument in value.items():
        if name == "Fn::GetAtt":
            parts = argument if isinstance(argument, list) else [argument]
            if all(isinstance(part, str) for part in parts):
                found.add(".".join(parts))
        elif name == "Fn::Sub" and isinstance(argument, str | list):
            text, variables = argument if isinstance(argument, list) else (argument, {})
            names = (match[2].strip() for match in _PLACEHOLDER.finditer(text) if not match[1])
            found.update(item for item in names if "." in item and item not in variables)
            found |= attribute_references(variables)
        else:
            found |= attribute_references(argument)
    return found


def _collect(value: Any, found: set[str]) -> None:
    if isinstance(value, list):
        for item in value:
            _collect(item, found)
    if not isinstance(value, dict):
        return
    for name, argument in value.items():
        if name == "Ref" and isinstance(argument, str):
            found.add(argument)
        elif name == "Fn::GetAtt":
            first = argument.split(".", 1)[0] if isinstance(argument, str) else argument[0] if argument else ""
            if isinstance(first, str):
                found.add(first)
            else:
                _collect(argument, found)
        elif name == "Fn::Sub" and isinstance(argument, str | list):
            text, variables = argument if isinstance(argument, list) else (argument, {})
            names = (match[2].strip() for match in _PLACEHOLDER.finditer(text) if not match[1])
            found.update(item.split(".", 1)[0] for item in names if item not in variables)
            _collect(variables, found)
        else:
            _collect(argument, found)
