"""Failed evaluations in moto's interpreter: what the service says of them, and one event for each."""

from typing import Any

from moto.stepfunctions.parser.api import EvaluationFailedEventDetails, ExecutionFailedEventDetails, HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import iteration_worker
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import branches_decl
from moto.stepfunctions.parser.asl.component.state.fail import state_fail
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager

from embedded import moto_patches
from embedded.services.stepfunctions.error_names import error_name_of

_QUERY = "States.QueryEvaluationError"
_moto_add_event = EventManager.add_event
_moto_failure_event = FailureEvent.__init__
_moto_state_body = CommonStateField._eval_body


def query_failure(env: Any, cause: str, location: str | None = None) -> FailureEventException:
    """States.QueryEvaluationError in the state that is evaluated."""
    details = EvaluationFailedEventDetails(error=_QUERY, cause=cause)
    if location is not None:
        details["location"] = location
    return FailureEventException(
        FailureEvent(
            env=env,
            error_name=StatesErrorName(typ=StatesErrorNameType.StatesQueryEvaluationError),
            event_type=HistoryEventType.EvaluationFailed,
            event_details=EventDetails(evaluationFailedEventDetails=details),
        )
    )


def runtime_failure(env: Any, cause: str) -> FailureEventException:
    """States.Runtime, which ends the execution: nothing catches it."""
    details = ExecutionFailedEventDetails(error="States.Runtime", cause=cause)
    return FailureEventException(
        FailureEvent(
            env=env,
            error_name=StatesErrorName(typ=StatesErrorNameType.StatesRuntime),
            event_type=HistoryEventType.ExecutionFailed,
            event_details=EventDetails(executionFailedEventDetails=details),
        )
    )


def entered_id(env: Any) -> int:
    """The event by which the state was entered that is evaluated."""
    latest = int(env.event_history_context.source_event_id)
    event = _entering(env.event_manager._history_event_list, latest, env.next_state_name)
    return latest if event is None else int(event["id"])


def _entering(history: list[Any], event_id: int, name: str) -> Any:
    """The event by which a state was entered, looked for from an event backwards; None without one."""
    while 0 < event_id <= len(history):  # a map run has a history of its own
        event = history[event_id - 1]
        if event.get("stateEnteredEventDetails", {}).get("name") == name:
            return event
        event_id = event["previousEventId"]
    return None


def _failure_event(self: Any, env: Any, *arguments: Any, **named: Any) -> None:
    """A failure whose causes say where, from the start: moto says it in some of the events alone."""
    _moto_failure_event(self, env, *arguments, **named)
    self.source_event_id = entered_id(env)
    details = (self.event_details or {}).get("evaluationFailedEventDetails")
    if details is not None:
        details["cause"] = f"{_where(self)} {details['cause']}"
        details["state"] = self.state_name


def _where(event: FailureEvent) -> str:
    return (
        f"An error occurred while executing the state '{event.state_name}' "
        f"(entered at the event id #{event.source_event_id})."
    )


def _evaluation_details(self: FailureEventException) -> Any:
    return self.failure_event.event_details["evaluationFailedEventDetails"]


def _execution_details(self: FailureEventException) -> ExecutionFailedEventDetails | None:
    pair = self.extract_error_cause_pair()
    if pair is None:
        return None
    details = ExecutionFailedEventDetails()
    error, cause = pair
    if error:
        details["error"] = error
    if cause:
        details["cause"] = f"{_where(self.failure_event)} {cause}" if error == "States.Runtime" else cause
    return details


def _state_body(self: Any, env: Any) -> None:
    try:
        _moto_state_body(self, env)
    except FailureEventException as failure:
        event = failure.failure_event
        if event.event_type == HistoryEventType.EvaluationFailed and not _is_told(env, event):
            env.event_manager.add_event(
                context=env.event_history_context, event_type=event.event_type, event_details=event.event_details
            )
        raise


def _add_event(self: Any, context: Any, event_type: Any, event_details: Any = None, **settings: Any) -> int:
    """A failed evaluation follows what came before its state was entered, as the service numbers it."""
    details = (event_details or {}).get("evaluationFailedEventDetails")
    if details is not None:
        entered = _entering(self._history_event_list, context.source_event_id, details["state"])
        if entered is not None and entered["type"] != HistoryEventType.WaitStateEntered:
            context.source_event_id = entered["previousEventId"]
    added: int = _moto_add_event(self, context, event_type, event_details, **settings)
    return added


def _is_told(env: Any, event: FailureEvent) -> bool:
    details = event.event_details["evaluationFailedEventDetails"]
    history = env.event_manager._history_event_list
    return any(one.get("evaluationFailedEventDetails") is details for one in history)


def install() -> None:
    """Replace moto's parts."""
    for owner, name, replacement, reason in (
        (FailureEvent, "__init__", _failure_event, "it names the latest event for the state's"),
        (FailureEventException, "get_evaluation_failed_event_details", _evaluation_details, "the cause says where"),
        (FailureEventException, "get_execution_failed_event_details", _execution_details, "the cause says where"),
        (EventManager, "add_event", _add_event, "it numbers failed evaluations otherwise"),
        (iteration_worker, "CustomErrorName", error_name_of, "it knows none of the language's own errors"),
        (branches_decl, "CustomErrorName", error_name_of, "it knows none of the language's own errors"),
        (state_fail, "CustomErrorName", error_name_of, "it knows none of the language's own errors"),
        (CommonStateField, "_eval_body", _state_body, "it tells failed evaluations of some states alone"),
    ):
        moto_patches.replace(owner, name, replacement, reason=reason)
