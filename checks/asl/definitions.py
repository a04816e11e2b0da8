"""The definitions of a template's state machines, with every reference filled in."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_PSEUDO = {"AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::AccountId": "123456789012"}


def whole_template(path: Path) -> dict[str, Any]:
    """A written template, with the definitions that lie beside it in the place of their addresses."""
    template: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::StepFunctions::StateMachine" and "DefinitionS3Location" in properties:
            key = properties.pop("DefinitionS3Location")["Key"]
            properties["DefinitionString"] = (path.parent / f"asset.{key}").read_text(encoding="utf-8")
    return template


def definition_of(machine: Mapping[str, Any]) -> dict[str, Any]:
    """A machine's definition as it is once deployed, with plausible values for what is not known before."""
    text = _as_text(machine["Properties"]["DefinitionString"]).replace("${Partition}", "aws")
    found: dict[str, Any] = json.loads(text)
    return found


def definitions(template: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Every definition of a whole template, by its machine's logical id."""
    return {
        name: definition_of(resource)
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::StepFunctions::StateMachine"
    }


def _as_text(value: Any) -> str:
    """A text with each reference replaced by a plausible value."""
    if isinstance(value, str):
        return value
    if "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        return str(separator).join(map(_as_text, parts))
    return _PSEUDO.get(value.get("Ref", ""), "reference")
