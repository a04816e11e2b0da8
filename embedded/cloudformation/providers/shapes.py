"""From a template's values to an API's parameters and back: botocore's shapes say what type each value must have."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.model import Shape

from embedded.cloudformation.errors import NotEmulated

_INTEGERS = frozenset({"integer", "long"})
_FLOATS = frozenset({"float", "double"})


def to_api(client: Any, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Fit values to an operation's input: "true" becomes True, a policy document JSON, tags a map where one is due."""
    shape = client.meta.service_model.operation_model(operation).input_shape
    fitted: dict[str, Any] = fit(params, shape, operation)
    return fitted


def call(client: Any, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Fit the parameters and call the operation."""
    method = client.meta.method_to_api_mapping
    name = next(python for python, api in method.items() if api == operation)
    answer: dict[str, Any] = getattr(client, name)(**to_api(client, operation, params))
    answer.pop("ResponseMetadata", None)
    return answer


def fit(value: Any, shape: Shape, where: str) -> Any:
    """Fit one value to a shape; the error names a property that the API does not have."""
    kind = shape.type_name
    if kind == "structure":
        return _fit_structure(value, shape, where)
    if kind == "list":
        items = value if isinstance(value, list) else [value]
        return [fit(item, shape.member, where) for item in items]
    if kind == "map":
        if isinstance(value, list):
            value = {item["Key"]: item["Value"] for item in value}
        return {str(key): fit(item, shape.value, f"{where}.{key}") for key, item in value.items()}
    return _fit_scalar(value, kind)


def _fit_structure(value: Any, shape: Shape, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise NotEmulated(f"{where}: an object is needed, not {value!r}")
    names = {name.lower(): name for name in shape.members}
    fitted = {}
    for key, item in value.items():
        name = names.get(key.lower())
        if name is None:
            raise NotEmulated(f"{where}: the service's API has no {key!r} (known: {', '.join(sorted(shape.members))})")
        fitted[name] = fit(item, shape.members[name], f"{where}.{key}")
    return fitted


def _fit_scalar(value: Any, kind: str) -> Any:
    if kind == "boolean":
        return value if isinstance(value, bool) else str(value).lower() == "true"
    if kind in _INTEGERS:
        return int(float(value))
    if kind in _FLOATS:
        return float(value)
    if kind == "string":
        if isinstance(value, dict | list):
            return json.dumps(value)
        return str(value).lower() if isinstance(value, bool) else str(value)
    if kind == "blob":
        return value.encode() if isinstance(value, str) else value
    return value


def to_template(value: Any) -> Any:
    """An API's answer in the spelling of templates: names begin with a capital letter."""
    if isinstance(value, Mapping):
        return {_capital(str(key)): to_template(item) for key, item in value.items()}
    if isinstance(value, list):
        return [to_template(item) for item in value]
    return value


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def tag_list(tags: Any) -> list[dict[str, str]]:
    """Tags in a template's form, sorted, whatever form the service answers in."""
    if isinstance(tags, Mapping):
        pairs = list(tags.items())
    else:
        pairs = [
            (
                item.get("Key", item.get("key", item.get("TagKey"))),
                item.get("Value", item.get("value", item.get("TagValue"))),
            )
            for item in tags or ()
        ]
    return [{"Key": key, "Value": value} for key, value in sorted(pairs) if not key.startswith("aws:")]


def tag_changes(old: Any, new: Any) -> tuple[dict[str, str], list[str]]:
    """The tags to set and the keys to remove."""
    before = {item["Key"]: item["Value"] for item in tag_list(old)}
    after = {item["Key"]: item["Value"] for item in tag_list(new)}
    changed = {key: value for key, value in after.items() if before.get(key) != value}
    return changed, sorted(set(before) - set(after))


def without(props: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The properties without some of them."""
    return {key: value for key, value in props.items() if key not in names}
