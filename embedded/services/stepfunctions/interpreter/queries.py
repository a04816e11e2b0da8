"""JSONata and variables in moto's interpreter, which has their grammar and nothing that evaluates them."""

import copy
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from moto.stepfunctions.parser.asl.component.common.assign.assign_decl import AssignDecl
from moto.stepfunctions.parser.asl.component.common.assign.assign_template_binding import AssignTemplateBinding
from moto.stepfunctions.parser.asl.component.common.assign.assign_template_value_array import AssignTemplateValueArray
from moto.stepfunctions.parser.asl.component.common.jsonata.jsonata_template_binding import JSONataTemplateBinding
from moto.stepfunctions.parser.asl.component.common.jsonata.jsonata_template_value_array import (
    JSONataTemplateValueArray,
)
from moto.stepfunctions.parser.asl.component.common.outputdecl import Output
from moto.stepfunctions.parser.asl.component.common.parargs import Arguments
from moto.stepfunctions.parser.asl.component.common.query_language import QueryLanguageMode
from moto.stepfunctions.parser.asl.component.common.string.string_expression import (
    StringContextPath,
    StringJSONata,
    StringVariableSample,
)
from moto.stepfunctions.parser.asl.component.common.timeouts.heartbeat import HeartbeatSecondsJSONata
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import TimeoutSecondsJSONata
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.state.choice.comparison.comparison import ConditionStringJSONata
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.reader_config.max_items_decl import (
    MaxItemsStringJSONata,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_selector import ItemSelector
from moto.stepfunctions.parser.asl.component.state.exec.state_map.items.items import ItemsArray, ItemsJSONata
from moto.stepfunctions.parser.asl.component.state.exec.state_map.max_concurrency import MaxConcurrencyJSONata
from moto.stepfunctions.parser.asl.component.state.exec.state_map.tolerated_failure import (
    ToleratedFailureCountStringJSONata,
    ToleratedFailurePercentageStringJSONata,
)
from moto.stepfunctions.parser.asl.component.state.fail.cause_decl import Cause
from moto.stepfunctions.parser.asl.component.state.fail.error_decl import Error
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.seconds import SecondsJSONata
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.timestamp import Timestamp
from moto.stepfunctions.parser.asl.eval.states import States
from moto.stepfunctions.parser.asl.eval.variable_store import VariableStore
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError, extract_json

from embedded import moto_patches
from embedded.services.stepfunctions.interpreter.failures import query_failure
from embedded.services.stepfunctions.jsonata.evaluation import ExpressionError, Undefined, evaluate
from embedded.services.stepfunctions.jsonata.values import Unsupported
from embedded.services.stepfunctions.teststate.inspection import Inspection
from embedded.services.stepfunctions.teststate.run import stand_in

_moto_assign = AssignDecl._eval_body
_moto_reset = States.reset
_moto_set_result = States.set_result
_moto_reset_tracing = VariableStore.reset_tracing
_VARIABLE = re.compile(r"^\$([^.\[$]+)(.*)$", re.DOTALL)
_place: ContextVar[tuple[str, ...]] = ContextVar("place", default=())
"""The fields that lead to what is evaluated."""
_BINDINGS = (JSONataTemplateBinding, AssignTemplateBinding)
_FIELDS: tuple[tuple[type[EvalComponent], str, str | None], ...] = (
    (Output, "Output", None),
    (Arguments, "Arguments", None),
    (AssignDecl, "Assign", None),
    (ItemsArray, "Items", None),
    (ItemsJSONata, "Items", "array"),
    (ItemSelector, "ItemSelector", None),
    (ConditionStringJSONata, "Condition", "boolean"),
    (TimeoutSecondsJSONata, "TimeoutSeconds", "number"),
    (HeartbeatSecondsJSONata, "HeartbeatSeconds", "number"),
    (SecondsJSONata, "Seconds", "number"),
    (Timestamp, "Timestamp", "string"),
    (MaxConcurrencyJSONata, "MaxConcurrency", "number"),
    (MaxItemsStringJSONata, "ItemReader/ReaderConfig/MaxItems", "number"),
    (ToleratedFailureCountStringJSONata, "ToleratedFailureCount", "number"),
    (ToleratedFailurePercentageStringJSONata, "ToleratedFailurePercentage", "number"),
    (Error, "Error", "string"),
    (Cause, "Cause", "string"),
)
"""The component, the field that holds it, and the type that the field takes."""
_TYPES: dict[str, Callable[[Any], bool]] = {
    "array": lambda value: isinstance(value, list),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "string": lambda value: isinstance(value, str),
}


def _eval(self: Any, env: Any) -> None:
    """Evaluate a component, and keep its field for what may be said of it."""
    if not env.is_running():
        return
    field = self._field_name()
    if field is not None:
        env.next_field_name = field
    if isinstance(self, _BINDINGS):
        name = self.identifier
    else:
        name = next((name for component, name, _ in _FIELDS if isinstance(self, component)), None)
    with _inside(name):
        if isinstance(env, Inspection) and self is env.stands_for:
            stand_in(env)
        else:
            self._eval_body(env)
    if isinstance(env, Inspection):
        env.keep(self)


def context_of(env: Any) -> Any:
    """The context object that expressions see."""
    given = env.given_context if isinstance(env, Inspection) else None
    return env.states.context_object.context_object_data if given is None else given


def _context_path(self: Any, env: Any) -> None:
    data = context_of(env)
    try:
        found = data if self.json_path == "$" else extract_json(self.json_path, data)
    except NoSuchJsonPathError as error:
        raise NoSuchJsonPathError(json_path=f"${self.json_path}", data=data) from error
    env.stack.append(copy.deepcopy(found))


@contextmanager
def _inside(name: str | None) -> Iterator[None]:
    if name is None:
        yield
        return
    token = _place.set((*_place.get(), name))
    try:
        yield
    finally:
        _place.reset(token)


def location() -> str:
    """The field that is evaluated, as the service writes it: `Output/list[0]`."""
    return "/".join(_place.get()).replace("/[", "[")


def _array(self: Any, env: Any) -> None:
    found = []
    for index, value in enumerate(self.values):
        with _inside(f"[{index}]"):
            value.eval(env)
        found.append(env.stack.pop())
    env.stack.append(found)


def _jsonata(self: Any, env: Any) -> None:
    where = location()
    what = f"The JSONata expression '{self.expression}' specified for the field '{where}'"
    try:
        result = evaluate(self.expression, {**_variables(env), "states": _states(env)})
    except Undefined as error:
        raise query_failure(env, f"{what} returned nothing (undefined).", where) from error
    except Unsupported as error:
        raise query_failure(env, f"{what} returned an unsupported result type.", where) from error
    except ExpressionError as error:
        raise query_failure(env, f"{what} threw an error during evaluation. {error}", where) from error
    wanted = next((kind for _, field, kind in _FIELDS if field == where), None)
    if wanted is not None and not _TYPES[wanted](result):
        kind = next(name for name, fits in _TYPES.items() if fits(result))
        shown = json.dumps(result, separators=(",", ":"), ensure_ascii=False)
        text = f"{what} returned an unexpected result type. Expected '{wanted}', but was '{kind}' for value: {shown}"
        raise query_failure(env, text, where)
    env.stack.append(result)


def _states(env: Any) -> dict[str, Any]:
    """The reserved variable: a result where there is one, and the error's output in a Catch."""
    data = env.states._states_data
    found = {"input": data["input"], "context": context_of(env)}
    if not getattr(env.states, "has_result", False):
        return found
    error = data.get("errorOutput")
    failed = error is not None and error == data["result"]
    return found | ({"errorOutput": error} if failed else {"result": data["result"]})


def _set_result(self: Any, result: Any) -> None:
    _moto_set_result(self, result)
    self.has_result = True


def _reset(self: Any, input_value: Any) -> None:
    _moto_reset(self, input_value)
    self.has_result = False


def _variables(env: Any) -> dict[str, Any]:
    """The variables in scope. Output does not see what the same state assigns: the two happen at once."""
    store = env.variable_store
    before: dict[str, Any] | None = getattr(store, "before_assign", None)
    if before is not None and _place.get()[:1] == ("Output",):
        return before
    return {**store._outer_scope, **store._inner_scope}


def _assign(self: Any, env: Any) -> None:
    env.variable_store.before_assign = _variables(env)
    _moto_assign(self, env)


def _reset_tracing(self: Any) -> None:
    self.before_assign = None
    _moto_reset_tracing(self)


def _assigned(self: Any) -> dict[str, str]:
    """What a state assigned, each value as JSON."""
    return {name: to_json_str(self.get(name), separators=(",", ":")) for name in self._declaration_tracing}


def _variable_sample(self: Any, env: Any) -> None:
    """A variable in a JSONPath state, with a path into its value."""
    if self.query_language_mode == QueryLanguageMode.JSONata:
        _jsonata(self, env)
        return
    name, path = _VARIABLE.match(self.expression).groups()  # type: ignore[union-attr]  # the grammar's own tokens
    variables = _variables(env)
    if name not in variables:
        raise NoSuchJsonPathError(json_path=self.expression, data=variables)
    env.stack.append(extract_json(f"${path}", variables[name]) if path else variables[name])


def install() -> None:
    """Replace moto's parts."""
    for owner, name, replacement, reason in (
        (EvalComponent, "eval", _eval, "it does not keep the path of fields"),
        (AssignTemplateValueArray, "_eval_body", _array, "it does not keep the path of fields"),
        (JSONataTemplateValueArray, "_eval_body", _array, "it does not keep the path of fields"),
        (StringJSONata, "_eval_body", _jsonata, "it has no evaluator"),
        (StringContextPath, "_eval_body", _context_path, "a test of a state may bring its own context object"),
        (StringVariableSample, "_eval_body", _variable_sample, "it has no evaluator"),
        (AssignDecl, "_eval_body", _assign, "Output would see what the state assigns"),
        (States, "reset", _reset, "a result that is null is no result to it"),
        (States, "set_result", _set_result, "a result that is null is no result to it"),
        (VariableStore, "reset_tracing", _reset_tracing, "Output would see what the state assigns"),
        (VariableStore, "get_assigned_variables", _assigned, "it escapes no text"),
    ):
        moto_patches.replace(owner, name, replacement, reason=reason)
