"""What is wrong with a definition: ValidateStateMachineDefinition, and what creation refuses."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from moto.stepfunctions.parser.api import InvalidDefinition
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from embedded.operations import Call, Params, ServiceError, operation
from embedded.services.stepfunctions import json_texts
from embedded.services.stepfunctions.optimised import refusal, unsupported
from embedded.services.stepfunctions.sagemaker.fields import unsupported_names

SAGEMAKER = re.compile(r"^arn:[\w-]+:states:::sagemaker:(\w+)(?:\.(sync))?$")
_OPTIMISED = re.compile(r"^arn:[\w-]+:states:::([\w-]+):(\w+)(?:\.\w+(?::\d+)?)?$")
_SCHEMA = "SCHEMA_VALIDATION_FAILED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One error in a definition."""

    code: str
    """The service's name for its kind."""
    message: str
    """What is wrong."""
    location: str | None = None
    """The path of the field."""

    @property
    def text(self) -> str:
        """The problem as the error of a creation says it."""
        return f"{self.code}: {self.message}" + ("" if self.location is None else f" at {self.location}")


def problems(definition: str, kind: str) -> list[Problem]:
    """Everything that is wrong with a definition."""
    if not definition.strip():
        return [Problem(code=_SCHEMA, message="Definition must be a valid JSON object")]
    try:
        parsed = json_texts.read(definition)
    except json_texts.NotJson as error:
        text = f"{error.problem}\n at {error.location}"
        return [Problem(code="INVALID_JSON_DESCRIPTION", message=text, location=error.location)]
    if not isinstance(parsed, dict):
        return [Problem(code=_SCHEMA, message="Definition must be a valid JSON object")]
    missing = [name for name in ("States", "StartAt") if name not in parsed]
    if missing:
        return [Problem(code=_SCHEMA, message=f"These fields are required: [{', '.join(missing)}]", location="/")]
    found = [*_transitions(parsed, ""), *_languages(parsed), *_unsupported(parsed)]
    if kind == "EXPRESS":
        found += _express(parsed)
    return found


def _transitions(machine: Mapping[str, Any], place: str) -> Iterator[Problem]:
    """Names of states that are nowhere."""
    states = machine.get("States", {})
    if not isinstance(states, dict):
        return
    wanted = [(machine.get("StartAt"), f"{place}/StartAt")]
    for name, state in states.items():
        if not isinstance(state, dict):
            continue
        here = f"{place}/States/{name}"
        wanted += [(state.get(field), f"{here}/{field}") for field in ("Next", "Default")]
        for field in ("Choices", "Catch"):
            rules = state.get(field)
            for index, rule in enumerate(rules if isinstance(rules, list) else []):
                wanted.append((rule.get("Next"), f"{here}/{field}[{index}]/Next"))
        for inner, where in _inner(state, here):
            yield from _transitions(inner, where)
    for name, where in wanted:
        if isinstance(name, str) and name not in states:
            field = where.rpartition("/")[2]
            yield Problem(code="MISSING_TRANSITION_TARGET", message=f"Missing '{field}' target: {name}", location=where)


def _inner(state: Mapping[str, Any], place: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    """The machines inside a Map or Parallel state."""
    for index, branch in enumerate(state.get("Branches", [])):
        yield branch, f"{place}/Branches[{index}]"
    for field in ("ItemProcessor", "Iterator"):
        if isinstance(state.get(field), dict):
            yield state[field], f"{place}/{field}"


def states(machine: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every state with its place, those inside Map and Parallel states too."""
    for name, state in machine.get("States", {}).items():
        if not isinstance(state, dict):
            continue
        here = f"{place}/States/{name}"
        yield here, state
        for inner, where in _inner(state, here):
            yield from states(inner, where)


def tasks(machine: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every Task state with its place."""
    for place, state in states(machine):
        if state.get("Type") == "Task" and isinstance(state.get("Resource"), str):
            yield place, state


def _languages(machine: Mapping[str, Any]) -> Iterator[Problem]:
    if machine.get("QueryLanguage") != "JSONata":
        return
    for place, state in states(machine):
        if state.get("QueryLanguage") == "JSONPath":
            text = "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine"
            yield Problem(code=_SCHEMA, message=text, location=place)


def _unsupported(machine: Mapping[str, Any]) -> Iterator[Problem]:
    """Fields that the optimised integrations refuse."""
    for place, state in tasks(machine):
        where = "Arguments" if "Arguments" in state else "Parameters"
        arguments = state.get(where)
        match = _OPTIMISED.match(state["Resource"])
        if match is None or not isinstance(arguments, dict):
            continue
        service, action = match[1], match[2]
        names = [name.removesuffix(".$") for name in arguments]
        refused = unsupported_names(action, names) if service == "sagemaker" else unsupported(service, action, names)
        for field in refused:
            yield Problem(code=_SCHEMA, message=refusal(field), location=f"{place}/{where}")


def _refuse_what_is_not_emulated(definition: str) -> None:
    for place, state in states(json.loads(definition)):
        processor = state.get("ItemProcessor", state.get("Iterator")) or {}
        mode = (processor.get("ProcessorConfig") or {}).get("Mode", "INLINE")
        if "ItemBatcher" in state and mode != "DISTRIBUTED":
            text = f"the embedded cloud does not emulate ItemBatcher of an inline map ({place}/ItemBatcher)"
            raise ServiceError("NotImplemented", text, 501)


def _express(machine: Mapping[str, Any]) -> Iterator[Problem]:
    text = "Express state machine does not support"
    for place, state in tasks(machine):
        resource, where = state["Resource"], f"{place}/Resource"
        if resource.endswith(".waitForTaskToken"):
            yield Problem(code=_SCHEMA, message=f"{text} '.waitForTaskToken' service integration ", location=where)
        elif re.search(r"\.sync(:\d+)?$", resource):
            yield Problem(code=_SCHEMA, message=f"{text} '.sync' service integration", location=where)
        elif ":activity:" in resource:
            yield Problem(code=_SCHEMA, message=f"{text} Activity ARN", location=where)


def check(definition: str, kind: str) -> None:
    """Refuse a definition as creation does."""
    found = problems(definition, kind)
    if found:
        text = ", ".join(problem.text for problem in found)
        raise ServiceError("InvalidDefinition", f"Invalid State Machine Definition: '{text}'")
    _refuse_what_is_not_emulated(definition)
    try:
        StepFunctionsParserBackend._validate_definition(definition)
    except InvalidDefinition as error:
        raise ServiceError("InvalidDefinition", str(error.message)) from error


@operation("stepfunctions", "ValidateStateMachineDefinition")
def validate_state_machine_definition(call: Call, params: Params) -> dict[str, Any]:
    """What is wrong with a definition, without creating anything."""
    kind = params.get("type", "STANDARD")
    found = problems(params["definition"], kind)
    if not found:
        try:
            check(params["definition"], kind)
        except ServiceError as error:
            found = [Problem(code=_SCHEMA, message=error.message)]
    most = params.get("maxResults") or 100
    diagnostics = [
        {"severity": "ERROR", "code": one.code, "message": one.message}
        | ({} if one.location is None else {"location": one.location})
        for one in found[:most]
    ]
    return {"result": "FAIL" if found else "OK", "diagnostics": diagnostics, "truncated": len(found) > most}
