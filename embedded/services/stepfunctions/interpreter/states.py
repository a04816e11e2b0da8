"""States and their rules in moto's interpreter: what catches what, items, activities, times."""

import datetime
from typing import Any

from moto.stepfunctions.parser.asl.component.common.error_name import error_equals_decl
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.common.path.items_path import ItemsPath
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata
from moto.stepfunctions.parser.asl.component.state import state
from moto.stepfunctions.parser.asl.component.state.exec.state_map.state_map import StateMap
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_activitiy import StateTaskActivity
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.timestamp import Timestamp
from moto.stepfunctions.parser.asl.eval.states import StateData
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend import execution_worker

from embedded import moto_patches
from embedded.services.stepfunctions.interpreter.failures import query_failure, runtime_failure
from embedded.services.stepfunctions.times import timestamp

_moto_error_matches = error_equals_decl.ErrorEqualsDecl._eval_body
_moto_activity_execution = StateTaskActivity._eval_execution
_moto_map_execution = StateMap._eval_execution
_moto_items_path = ItemsPath._eval_body
_moto_timestamp_failure = Timestamp._create_failure_event
_RUNTIME = StatesErrorName(typ=StatesErrorNameType.StatesRuntime)


def _error_matches(self: Any, env: Any) -> None:
    """States.Runtime is caught by nothing, on AWS; in moto States.ALL caught it."""
    runtime = env.stack[-1] == _RUNTIME
    _moto_error_matches(self, env)
    if runtime:
        env.stack[-1] = False


def _activity_execution(self: Any, env: Any) -> None:
    arn = self.resource.resource_arn
    if arn not in env.activity_store:
        raise runtime_failure(env, f"The activity {arn} does not exist.")
    _moto_activity_execution(self, env)


def _map_execution(self: Any, env: Any) -> None:
    """A Map state of JSONata without Items goes through its input, which must be an array."""
    given = env.stack[-1] if env.stack else None
    if self.items is None and self.items_path is None and self.item_reader is None and not isinstance(given, list):
        shown = to_json_str(given, separators=(",", ":"))
        raise query_failure(env, f"Map state input must be an array but was: {shown}")
    _moto_map_execution(self, env)


def _items_path(self: Any, env: Any) -> None:
    _moto_items_path(self, env)
    if not isinstance(env.stack[-1], list):
        # a path into the context object loses the first of its two dollars
        path = self.string_sampler.literal_value
        raise runtime_failure(env, f'Reference path "{path}" must point to array.')


def _timestamp_failure(self: Any, env: Any, timestamp_str: str) -> Any:
    """A Timestamp that is none: of JSONata it is a failed evaluation."""
    if not isinstance(self.string, StringJSONata):
        return _moto_timestamp_failure(self, env, timestamp_str)
    text = "The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string"
    return query_failure(env, f"{text}: {timestamp_str}", "Timestamp").failure_event


def _state_data(EnteredTime: str, Name: str) -> StateData:
    del EnteredTime  # with another offset and more digits than the service writes
    return StateData(EnteredTime=timestamp(datetime.datetime.now(tz=datetime.UTC)), Name=Name)


def _execution_data(**known: Any) -> dict[str, Any]:
    is_express = ":express:" in known["Id"]  # one that cannot be redriven counts nothing
    return known if is_express else {**known, "RedriveCount": 0}


def install() -> None:
    """Replace moto's parts."""
    for owner, name, replacement, reason in (
        (error_equals_decl.ErrorEqualsDecl, "_eval_body", _error_matches, "it lets States.Runtime be caught"),
        (StateTaskActivity, "_eval_execution", _activity_execution, "it fails on an activity that is not there"),
        (StateMap, "_eval_execution", _map_execution, "it names the input's type where the service shows the input"),
        (ItemsPath, "_eval_body", _items_path, "it takes JSONPath's error for JSONata's"),
        (Timestamp, "_create_failure_event", _timestamp_failure, "it knows no failed evaluation"),
        (state, "StateData", _state_data, "it writes times otherwise"),
        (execution_worker, "ExecutionData", _execution_data, "it counts no redrives"),
    ):
        moto_patches.replace(owner, name, replacement, reason=reason)
