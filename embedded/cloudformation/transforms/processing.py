"""The order of transforms: the most deeply nested first, then those of the whole template as they are listed."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

from embedded.cloudformation.errors import TemplateError, TransformError
from embedded.cloudformation.templates.intrinsics import Resolver
from embedded.cloudformation.templates.parameters import Parameter
from embedded.cloudformation.transforms import include, language, macros
from embedded.cloudformation.transforms.scope import Scope, plain
from embedded.operations import Call

_NESTED = "Fn::Transform"
_EXTENSIONS = ("Fn::ForEach::", "Fn::Length", "Fn::ToJsonString")
_LANGUAGE = "AWS::LanguageExtensions"

Document = dict[str, Any]


def uses_transforms(value: Any) -> bool:
    """Whether anything in a template has to be transformed."""
    return _has(value, lambda key: key == _NESTED) or bool(isinstance(value, Mapping) and value.get("Transform"))


def _has(value: Any, wanted: Callable[[str], bool]) -> bool:
    if isinstance(value, Mapping):
        return any(wanted(str(key)) or _has(item, wanted) for key, item in value.items())
    return isinstance(value, list) and any(_has(item, wanted) for item in value)


def process(document: Mapping[str, Any], call: Call, parameters: Mapping[str, Parameter], scope: Scope) -> Document:
    """The template without its transforms; raises `TransformError` where one fails."""
    mappings = document.get("Mappings")
    resolver = Resolver(
        lookup=plain(parameters, scope),
        region=call.region,
        mappings=mappings if isinstance(mappings, dict) else {},
        conditions={},
    )
    whole = {key: value for key, value in copy.deepcopy(dict(document)).items() if key != "Transform"}
    processed = _nested(whole, call, parameters, resolver)
    for name, given in _named(document.get("Transform")):
        if name == _LANGUAGE:
            processed = language.extend(processed, parameters, scope, call.region)
        else:
            processed = _run(name, given, processed, call, parameters, resolver)
        if not isinstance(processed, dict):
            raise TransformError("Template format error: unsupported structure.")
    return dict(processed)


def check_transforms(document: Mapping[str, Any]) -> None:
    """Raise where a transform has no name that could be read, and where the language needs one that is not there."""
    names = [name for name, _ in _named(document.get("Transform"))]
    if _LANGUAGE not in names and _has(document, lambda key: key.startswith(_EXTENSIONS)):
        raise TemplateError(
            f"Template error: {', '.join(name.removesuffix('::') for name in _EXTENSIONS)} need the transform "
            f"{_LANGUAGE}, which this template does not name"
        )


def _named(given: Any) -> list[tuple[str, Mapping[str, Any]]]:
    """The names and the parameters of a Transform: a name, an object, or a list of them."""
    if not given:
        return []
    found: list[tuple[str, Mapping[str, Any]]] = []
    for item in given if isinstance(given, list) else [given]:
        name = item.get("Name") if isinstance(item, Mapping) else item
        if not isinstance(name, str):
            raise TemplateError("Key Name of transform definition must be a string.")
        found.append((name, item.get("Parameters") or {} if isinstance(item, Mapping) else {}))
    return found


def _nested(value: Any, call: Call, parameters: Mapping[str, Parameter], resolver: Resolver) -> Any:
    if isinstance(value, list):
        return [_nested(item, call, parameters, resolver) for item in value]
    if not isinstance(value, dict):
        return value
    fragment: Any = {key: _nested(item, call, parameters, resolver) for key, item in value.items() if key != _NESTED}
    for name, given in _named(value.get(_NESTED)):
        fragment = _run(name, given, fragment, call, parameters, resolver)
    return fragment


def _run(
    name: str,
    given: Mapping[str, Any],
    fragment: Any,
    call: Call,
    parameters: Mapping[str, Parameter],
    resolver: Resolver,
) -> Any:
    resolved = {key: resolver.resolve(item) for key, item in given.items()}
    if name == "AWS::Include":
        included = include.read(resolved, call)
        return {**fragment, **included} if isinstance(fragment, dict) and isinstance(included, dict) else included
    if name.startswith("AWS::"):
        raise TemplateError(f"the embedded cloud does not run the transform {name}")
    return macros.run(name, resolved, fragment, call, parameters)
