"""Which properties can be set only at creation: from the registry's own schemas, kept as dated data.

Rebuild the data after a new type or a new cfn-lint: `python -m scripts.make_cfn_schemas`.
"""

import json
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any

_DATA = Path(__file__).with_name("schemas.json")
_OPEN = ("AWS::CloudFormation::CustomResource", "AWS::CloudFormation::Stack")
"""What these answer to GetAtt their own function or template says."""


@cache
def _facts() -> dict[str, dict[str, list[str]]]:
    facts: dict[str, dict[str, list[str]]] = json.loads(_DATA.read_text())["types"]
    return facts


def create_only_changes(type_name: str, old: dict[str, Any], new: dict[str, Any]) -> tuple[str, ...]:
    """The create-only properties that differ: any of them makes the change a replacement."""
    return _changes("create_only", type_name, old, new)


def conditional_changes(type_name: str, old: dict[str, Any], new: dict[str, Any]) -> tuple[str, ...]:
    """The properties that differ and that make the change a replacement in some cases."""
    return _changes("conditionally_create_only", type_name, old, new)


def _changes(kind: str, type_name: str, old: dict[str, Any], new: dict[str, Any]) -> tuple[str, ...]:
    changed = []
    for path in _facts().get(type_name, {}).get(kind, ()):
        parts = path.split("/")
        if _at(old, parts) != _at(new, parts):
            changed.append(parts[0])
    return tuple(dict.fromkeys(changed))


def properties_of(type_name: str) -> frozenset[str]:
    """The names of all properties that a template may give for this type; empty for a type without a schema."""
    return frozenset(_facts().get(type_name, {}).get("properties", ()))


def identifier_of(type_name: str) -> list[str]:
    """The properties by which an existing resource of this type is told from others; none for an unknown type."""
    return list(_facts().get(type_name, {}).get("identifier", ()))


def missing_properties(type_name: str, given: Collection[str]) -> list[str]:
    """What a resource of this type must have and was not given."""
    return [name for name in _facts().get(type_name, {}).get("required", ()) if name not in given]


def has_attribute(type_name: str, name: str) -> bool:
    """Whether GetAtt can have it: what the service says of a resource, and any of its properties."""
    facts = _facts().get(type_name)
    if facts is None or type_name in _OPEN:
        return True
    return name.split(".", 1)[0] in {*facts["attributes"], *facts["properties"]}


def schema_of(type_name: str) -> dict[str, Any] | None:
    """A type's schema as the registry gives it, without what its properties hold; None for an unknown type."""
    facts = _facts().get(type_name)
    if facts is None:
        return None
    return {
        "typeName": type_name,
        "properties": {name: {} for name in facts["properties"]},
        "required": facts["required"],
        "createOnlyProperties": [f"/properties/{path}" for path in facts["create_only"]],
        "conditionalCreateOnlyProperties": [f"/properties/{path}" for path in facts["conditionally_create_only"]],
    }


def _at(value: Any, parts: list[str]) -> Any:
    for index, part in enumerate(parts):
        if part == "*":
            return [_at(item, parts[index + 1 :]) for item in value] if isinstance(value, list) else None
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value


def build(type_names: list[str]) -> dict[str, Any]:
    """Read the facts out of the schemas that cfn-lint brings (a tool of the tests, not of the cloud)."""
    import cfnlint.data.schemas as schemas
    from cfnlint.version import __version__

    root = Path(schemas.__file__).parent
    index = json.loads((root / "providers" / "us-east-1.json").read_text())
    types = {}
    for name in sorted(type_names):
        entry = index["types"].get(name) if "types" in index else index.get(name)
        if entry is None:
            continue
        file = entry if isinstance(entry, str) else entry["schema"]
        schema = json.loads((root / "resources" / (file if file.endswith(".json") else f"{file}.json")).read_text())
        types[name] = _facts_of(schema)
    return {"source": f"cfn-lint {__version__}, us-east-1", "types": types}


def _facts_of(schema: dict[str, Any]) -> dict[str, list[str]]:
    read_only = {path.split("/")[2] for path in schema.get("readOnlyProperties", ()) if path.count("/") == 2}
    conditional = schema.get("conditionalCreateOnlyProperties", ())
    return {
        "attributes": sorted({path.split("/")[2] for path in schema.get("readOnlyProperties", ())}),
        "create_only": [path.removeprefix("/properties/") for path in schema.get("createOnlyProperties", ())],
        "conditionally_create_only": [path.removeprefix("/properties/") for path in conditional],
        "identifier": [path.removeprefix("/properties/") for path in schema.get("primaryIdentifier", ())],
        "properties": sorted(set(schema["properties"]) - read_only),
        "required": sorted(schema.get("required", ())),
    }


def write(type_names: list[str]) -> None:
    """Write the data of these types anew."""
    _DATA.write_text(json.dumps(build(type_names), indent=1, sort_keys=True) + "\n")
