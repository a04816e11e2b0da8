"""AWS::LanguageExtensions: Fn::ForEach, Fn::Length, Fn::ToJsonString, and functions where CloudFormation takes none."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from embedded.cloudformation.errors import TemplateError, TransformError
from embedded.cloudformation.templates.intrinsics import Resolver
from embedded.cloudformation.templates.parameters import Parameter
from embedded.cloudformation.transforms.scope import NotYet, Plain, Scope

_FOR_EACH = "Fn::ForEach::"
_FAILED = "Transform AWS::LanguageExtensions failed with:"
_RESOLVED = frozenset(
    {"Fn::Base64", "Fn::FindInMap", "Fn::Join", "Fn::Select", "Fn::Split", "Fn::Sub", "Fn::Length", "Fn::ToJsonString"}
)
"""The functions that are replaced by their values, where these are known already."""

_MOST_DEEP = 5
_WORD = re.compile(r"[A-Za-z0-9]+")


def extend(document: Any, parameters: Mapping[str, Parameter], scope: Scope, region: str) -> Any:
    """The template in the language that CloudFormation itself speaks."""
    mappings = document.get("Mappings")
    shown = {name: item for name, item in parameters.items() if not item.no_echo}
    resolver = Resolver(
        lookup=Plain(shown, scope),
        region=region,
        mappings=mappings if isinstance(mappings, dict) else {},
        conditions={},
    )
    extension = _Extension(resolver=resolver)
    try:
        unrolled = extension.unroll(document, 0)
        return {
            key: value if key in ("Parameters", "Mappings", "Rules", "Conditions") else extension.resolve(value)
            for key, value in unrolled.items()
        }
    except TransformError:
        raise
    except TemplateError as error:
        raise TransformError(f"{_FAILED} {error}") from None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Extension:
    """One template."""

    resolver: Resolver

    def unroll(self, value: Any, depth: int) -> Any:
        """The value with every loop written out."""
        if isinstance(value, list):
            return [self.unroll(item, depth) for item in value]
        if not isinstance(value, dict):
            return value
        found: dict[str, Any] = {}
        for key, item in value.items():
            if not str(key).startswith(_FOR_EACH):
                found[key] = self.unroll(item, depth)
                continue
            for name, made in self._loop(key, item, depth):
                if name in found:
                    raise TransformError(f"{_FAILED} Fn::ForEach makes {name} twice")
                found[name] = made
        return found

    def _loop(self, key: str, argument: Any, depth: int) -> list[tuple[str, Any]]:
        if depth >= _MOST_DEEP:
            raise TransformError(f"{_FAILED} Fn::ForEach cannot be nested more than {_MOST_DEEP} times")
        if not isinstance(argument, list) or len(argument) != 3 or not isinstance(argument[2], dict):
            raise TransformError(f"{_FAILED} {key} layout is incorrect")
        identifier, collection, body = argument
        made: list[tuple[str, Any]] = []
        for item in self._collection(key, collection):
            unrolled = self.unroll(_filled(body, str(identifier), item), depth + 1)
            made += unrolled.items()
        return made

    def _collection(self, key: str, collection: Any) -> list[str]:
        try:
            items = self.resolver.resolve(collection)
        except NotYet as error:
            raise TransformError(f"{_FAILED} {key} needs a collection that is known, not {error}") from None
        if not isinstance(items, list):
            raise TransformError(f"{_FAILED} {key} needs a list as its collection")
        flat: list[str] = []
        for item in items:
            flat += [str(inner) for inner in item] if isinstance(item, list) else [str(item)]
        return flat

    def resolve(self, value: Any) -> Any:
        """The value with the functions replaced that depend on no resource."""
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (name, argument), *_ = value.items()
            if name in _RESOLVED:
                return self._function(name, argument)
        return {key: self.resolve(item) for key, item in value.items()}

    def _function(self, name: str, argument: Any) -> Any:
        inner = self.resolve(argument)
        try:
            if name == "Fn::Length":
                return self._length(inner)
            if name == "Fn::ToJsonString":
                return json.dumps(self.resolver.resolve(inner), separators=(",", ":"))
            return self.resolver.resolve({name: inner})
        except NotYet:
            # what depends on a resource is worked out when the stack is deployed
            return {name: inner}

    def _length(self, argument: Any) -> int:
        items = self.resolver.resolve(argument)
        if not isinstance(items, list):
            raise TransformError(f"{_FAILED} Fn::Length layout is incorrect")
        return len(items)


def _filled(value: Any, identifier: str, item: str) -> Any:
    """The body of a loop for one item: `${Identifier}`, `&{Identifier}` and Refs to the identifier."""
    if isinstance(value, list):
        return [_filled(one, identifier, item) for one in value]
    if isinstance(value, dict):
        if value == {"Ref": identifier}:
            return item
        return {_text(str(key), identifier, item): _filled(one, identifier, item) for key, one in value.items()}
    return _text(value, identifier, item) if isinstance(value, str) else value


def _text(text: str, identifier: str, item: str) -> str:
    words = "".join(_WORD.findall(item))
    return text.replace(f"${{{identifier}}}", item).replace(f"&{{{identifier}}}", words)
