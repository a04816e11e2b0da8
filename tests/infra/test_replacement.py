"""A value that a deploy may change never stands where a change means another resource of the same name."""

from collections.abc import Iterator
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from checks.rules.model import Assembly, at
from tests.support.templates import Scenario


def parameters_in(value: Any, parameters: set[str]) -> Iterator[str]:
    """The template's parameters that a value refers to."""
    if isinstance(value, dict):
        if set(value) == {"Ref"} and value["Ref"] in parameters:
            yield value["Ref"]
        for member in value.values():
            yield from parameters_in(member, parameters)
    elif isinstance(value, list):
        for member in value:
            yield from parameters_in(member, parameters)


def stuck(assembly: Assembly) -> list[str]:
    """Named resources that a parameter's other value would have to replace."""
    found = []
    for resource in assembly.resources():
        if not resource.type.startswith("AWS::"):
            continue
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource.type).schema
        fixed = [path.removeprefix("/properties/").replace("/", ".") for path in schema.get("createOnlyProperties", ())]
        named = any(path.endswith("Name") and at(resource.properties, path) is not None for path in fixed)
        parameters = set(assembly.templates[resource.stack].get("Parameters", {}))
        found += [
            f"{resource.where}: {path} holds {name}"
            for path in fixed
            for name in parameters_in(at(resource.properties, path), parameters)
            if named
        ]
    return found


@pytest.mark.parametrize("name", ["dev", "everything on", "notebooks, no repository"])
def test_no_parameter_replaces_a_named_resource(scenario: Scenario, name: str) -> None:
    assert stuck(scenario(name).assembly) == []


def test_a_named_repository_of_which_a_parameter_chooses_the_url_would_be_found() -> None:
    repository = {
        "Type": "AWS::SageMaker::CodeRepository",
        "Properties": {"CodeRepositoryName": "labs", "GitConfig": {"RepositoryUrl": {"Ref": "Url"}}},
    }
    template = {"Parameters": {"Url": {"Type": "String"}}, "Resources": {"Labs": repository}}
    assert stuck(Assembly({"notebooks": template})) == ["notebooks/Labs: GitConfig.RepositoryUrl holds Url"]
