"""What a test gives in the place of a task's result, and the checks of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from embedded.bus import sdk_names
from embedded.operations import ServiceError
from embedded.services.stepfunctions import casing

_SCHEMA = "Mock result schema validation error:"
_UNMOCKED = ("Pass", "Fail", "Succeed")


@dataclass(frozen=True, kw_only=True, slots=True)
class Mock:
    """A result, or an error."""

    result: Any = None
    """What the task is said to have answered."""
    error: str | None = None
    """The error's name; None where the task succeeds."""
    cause: str | None = None
    """The error's cause."""


def refused(text: str) -> ServiceError:
    """A request that the service does not take."""
    return ServiceError("ValidationException", text)


def read(params: Mapping[str, Any], state: Mapping[str, Any]) -> Mock | None:
    """The mock of a request, checked against the state; None without one."""
    given, kind = params.get("mock"), state.get("Type")
    settings = params.get("stateConfiguration") or {}
    if "mapIterationFailureCount" in settings and given is None:
        raise refused("TestState does not support MapIterationFailureCount when a mock is not specified.")
    if given is None:
        if kind in ("Map", "Parallel"):
            text = "TestState API does not support Map or Parallel states. Supported state types include: "
            raise ServiceError("InvalidDefinition", f"{text}[Task, Wait, Pass, Succeed, Fail, Choice]")
        return None
    if kind in _UNMOCKED:
        raise refused(f"State type '{kind}' is not supported when a mock is specified")
    if params.get("revealSecrets"):
        raise refused("TestState does not support RevealSecrets when a mock is specified.")
    if "result" in given and "errorOutput" in given:
        raise refused("A test mock should have only one of the following fields: [result, errorOutput].")
    if "errorOutput" in given:
        return Mock(error=given["errorOutput"].get("error", ""), cause=given["errorOutput"].get("cause", ""))
    try:
        result = json.loads(given.get("result", "null"))
    except ValueError as error:
        raise refused("Mocked result must be valid JSON") from error
    _check_result(result, state, given.get("fieldValidationMode", "STRICT"), settings)
    return Mock(result=result)


def _check_result(result: Any, state: Mapping[str, Any], mode: str, settings: Mapping[str, Any]) -> None:
    kind = state.get("Type")
    if kind == "Map":
        if "ResultWriter" in state and not isinstance(result, dict):
            raise refused("Mocked result must be a JSON object.")
        if "ResultWriter" not in state and not isinstance(result, list):
            raise refused("Mocked result must be an array.")
        if isinstance(result, list) and settings.get("mapIterationFailureCount", 0) > len(result):
            text = "Map iteration failure count must be less than or equal to the number of Map iterations"
            raise refused(text)
    if kind == "Parallel":
        if not isinstance(result, list):
            raise refused("Mocked result must be an array.")
        if len(result) != len(state["Branches"]):
            text = "Mocked result must contain the same number of items as number of Parallel branches."
            raise refused(text)
    if kind == "Task" and mode != "NONE":
        shape = _answer_shape(str(state.get("Resource", "")))
        if shape is not None:
            _check_shape(result, shape, "", strict=mode == "STRICT")


def _answer_shape(resource: str) -> Shape | None:
    """The shape of what a plain call of a service answers; None for what is no such call."""
    parts = resource.split(":")
    if len(parts) < 7 or parts[2] != "states" or parts[5] in ("apigateway", "http") or resource.endswith(".sync"):
        return None
    service, action = (parts[6], parts[7]) if parts[5] == "aws-sdk" else (parts[5], parts[6])
    try:
        return casing.operation(sdk_names.client_name(service), action.partition(".")[0]).output_shape
    except Exception as error:
        raise refused(f"The resource provided {resource} is not recognized.") from error


def _check_shape(value: Any, shape: Shape, field: str, *, strict: bool) -> None:
    if isinstance(shape, StructureShape):
        _wanted(isinstance(value, dict), field, "an object")
        members = {casing.capital(name): member for name, member in shape.members.items()}
        for name in map(casing.capital, shape.required_members) if strict else ():
            if name not in value:
                raise refused(f"{_SCHEMA} Required field '{name}' is missing")
        for name, item in value.items():
            if name in members:
                _check_shape(item, members[name], name, strict=strict)
    elif isinstance(shape, ListShape):
        _wanted(isinstance(value, list), field, "an array")
        for item in value:
            _check_shape(item, shape.member, field, strict=strict)
    elif isinstance(shape, MapShape):
        _wanted(isinstance(value, dict), field, "an object")
        for item in value.values():
            _check_shape(item, shape.value, field, strict=strict)
    else:
        _check_value(value, shape, field)


def _check_value(value: Any, shape: Shape, field: str) -> None:
    kind, limits = shape.type_name, shape.metadata
    if kind in ("string", "timestamp", "blob"):
        _wanted(isinstance(value, str) or (kind == "blob" and field == "Payload"), field, "a string")
        if isinstance(shape, StringShape) and shape.enum and value not in shape.enum:
            raise refused(f"{_SCHEMA} Field '{field}' is not an expected value")
        if kind != "timestamp" and isinstance(value, str):
            if len(value) < limits.get("min", 0):
                raise refused(f"{_SCHEMA} Field '{field}' is smaller than the minimum length")
            if len(value) > limits.get("max", len(value)):
                raise refused(f"{_SCHEMA} Field '{field}' exceeds the maximum length")
    elif kind in ("integer", "long", "float", "double"):
        _wanted(isinstance(value, int | float) and not isinstance(value, bool), field, "a number")
        if value < limits.get("min", value):
            raise refused(f"{_SCHEMA} Field '{field}' is less than the minimum value")
        if value > limits.get("max", value):
            raise refused(f"{_SCHEMA} Field '{field}' exceeds the maximum value")
    elif kind == "boolean":
        _wanted(isinstance(value, bool), field, "a boolean")


def _wanted(fits: bool, field: str, what: str) -> None:
    if not fits:
        raise refused(f"{_SCHEMA} Field '{field}' must be {what}")
