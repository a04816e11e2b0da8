"""One state of a definition as a machine of its own."""

import json
from collections.abc import Mapping
from typing import Any

from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser, ASLParserException

from embedded.operations import ServiceError
from embedded.services.stepfunctions import json_texts
from embedded.services.stepfunctions.api import definitions
from embedded.services.stepfunctions.teststate.mocks import refused

_UNNAMED = "StateName"
"""What the service calls a state that is given without its machine."""


def find(definition: str, name: str | None) -> tuple[str, Mapping[str, Any], str | None]:
    """The state's name, its definition, and its machine's query language."""
    try:
        parsed = json_texts.read(definition)
    except json_texts.NotJson as error:
        text = f"INVALID_JSON_DESCRIPTION: {error.problem}\n at {error.location}"
        raise _invalid(text) from error
    if not isinstance(parsed, dict):
        raise _invalid("SCHEMA_VALIDATION_FAILED: Definition must be a valid JSON object")
    if name is None:
        return _UNNAMED, parsed, None
    for place, state in definitions.states(parsed):
        if place.rpartition("/States/")[2] == name:
            return name, state, parsed.get("QueryLanguage")
    raise refused("State not found in definition")


def _invalid(text: str) -> ServiceError:
    return ServiceError("InvalidDefinition", f"Invalid State Machine Definition: '{text}'")


def parse(name: str, state: Mapping[str, Any], language: str | None) -> CommonStateField:
    """moto's component for the state."""
    if state.get("Type") == "Parallel" and not state.get("Branches"):
        raise _invalid(f"SCHEMA_VALIDATION_FAILED: Value cannot be empty at /States/{name}/Branches")
    machine: dict[str, Any] = {"StartAt": name, "States": {name: state}}
    if language is not None:
        machine["QueryLanguage"] = language
    try:
        program, _ = AmazonStateLanguageParser.parse(json.dumps(machine))
    except ASLParserException as error:
        raise _invalid(f"SCHEMA_VALIDATION_FAILED: {error!r}") from error
    except Exception as error:
        raise _invalid(f"SCHEMA_VALIDATION_FAILED: {error}") from error
    found: CommonStateField = program.states.states[name]
    return found
