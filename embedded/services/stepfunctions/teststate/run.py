"""A tested state, run to its end: its status, its output, and what was seen on the way."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.retry.retry_outcome import RetryOutcome
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel.state_parallel import StateParallel
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task import StateTask
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

from embedded.services.stepfunctions.error_names import error_name_of
from embedded.services.stepfunctions.teststate.inspection import Inspection

_PREFIX = re.compile(
    r"^An error occurred while executing the state '.*?' \(entered at the event id #\d+\)\. ", re.DOTALL
)
_THRESHOLD = "States.ExceedToleratedFailureThreshold"


class _Retriable(Exception):
    """The state would be tried again."""


@dataclass(slots=True)
class Outcome:
    """How a tested state ended."""

    status: str
    output: Any = None
    has_output: bool = False
    next_state: str | None = None
    error: str | None = None
    cause: str | None = None
    details: dict[str, Any] = field(default_factory=dict)
    """What `inspectionData` says of the error: which retrier or catcher took it."""


class Run:
    """One state with its environment."""

    def __init__(self, state: CommonStateField, definition: Mapping[str, Any], env: Inspection, settings: Any) -> None:
        self._state, self._definition, self._env, self._settings = state, definition, env, settings
        self._outcome = Outcome(status="SUCCEEDED")
        if isinstance(state, ExecutionState):
            self._prepare()

    def _prepare(self) -> None:
        """Put the mock in its place, and end the test where the service would try again or go on elsewhere."""
        state = self._state
        evaluate = state._eval_execution
        if self._env.mock is not None and isinstance(state, StateTask):
            evaluate = self._mocked_task
        elif self._env.mock is not None:
            self._env.stands_for = state.branches if isinstance(state, StateParallel) else state.iteration_component

        def kept(env: Inspection) -> None:
            evaluate(env)
            if isinstance(state, StateTask):
                env.seen["result"] = env.stack[-1]

        state._eval_execution = kept
        state._handle_retry = self._retry
        state._handle_catch = self._catch

    def _mocked_task(self, env: Inspection) -> None:
        state = self._state
        waits = getattr(state.resource, "condition", None) == ResourceCondition.WaitForTaskToken
        if waits and env.given_context is None:
            env.states.context_object.update_task_token()
        state._eval_parameters(env=env)
        put_mock(env)

    def _retry(self, env: Inspection, failure_event: FailureEvent) -> RetryOutcome:
        for index, retrier in enumerate(self._state.retry.retriers):
            if not _matches(retrier, env, failure_event):
                continue
            self._outcome.details["retryIndex"] = index
            done = self._settings.get("retrierRetryCount", 0)
            if done >= retrier.max_attempts.attempts:
                return RetryOutcome.CannotRetry
            pause = retrier.interval_seconds.seconds * retrier.backoff_rate.rate**done
            pause = min(pause, retrier.max_delay_seconds.max_delays_seconds)
            self._outcome.details["retryBackoffIntervalSeconds"] = int(pause)
            self._failed(FailureEventException(failure_event), "RETRIABLE")
            raise _Retriable
        return RetryOutcome.CannotRetry

    def _catch(self, env: Inspection, failure_event: FailureEvent) -> None:
        for index, catcher in enumerate(self._state.catch.catchers):
            if _matches(catcher, env, failure_event):
                self._outcome.details["catchIndex"] = index
                self._failed(FailureEventException(failure_event), "CAUGHT_ERROR")
                break
        env.stack.append(failure_event)
        self._state.catch.eval(env)

    def _failed(self, failure: FailureEventException, status: str) -> None:
        pair = failure.extract_error_cause_pair()
        error, cause = (None, None) if pair is None else pair
        self._outcome.status, self._outcome.error = status, error
        self._outcome.cause = None if cause is None else _PREFIX.sub("", str(cause))

    def outcome(self) -> Outcome:
        """Run the state."""
        env, name = self._env, self._state.name
        try:
            self._state.eval(env)
        except _Retriable:
            return self._outcome
        except FailureEventException as failure:
            self._failed(failure, "FAILED")
            return self._outcome
        except Exception as error:
            self._outcome.status, self._outcome.error, self._outcome.cause = "FAILED", "States.Runtime", str(error)
            return self._outcome
        self._outcome.output, self._outcome.has_output = env.states.get_input(), True
        if env.is_running() and env.next_state_name != name:
            self._outcome.next_state = env.next_state_name
        return self._outcome

    def seen(self) -> dict[str, Any]:
        """The data at each step, with the steps that a state of this kind goes through without naming them."""
        seen, kind = {**self._env.seen}, self._definition["Type"]
        if not self._state._is_language_query_jsonpath():
            kept = ("input", "afterArguments", "result") if kind == "Task" else ("input",)
            return {name: seen[name] for name in kept if name in seen}
        if kind == "Pass" and "Result" in self._definition:
            seen["afterResultSelector"] = seen["result"]
            seen = {name: value for name, value in seen.items() if name not in ("afterInputPath", "afterParameters")}
        elif kind in ("Pass", "Task"):
            seen.setdefault("afterParameters", seen["afterInputPath"])
            if kind == "Pass":
                seen.setdefault("afterResultSelector", seen["afterParameters"])
        elif kind == "Parallel":
            del seen["afterInputPath"]
        if "mocked" in seen:
            seen.setdefault("afterResultSelector", seen.pop("mocked"))
        elif kind == "Task" and "result" in seen:
            seen.setdefault("afterResultSelector", seen["result"])
        return seen


def _matches(rule: Any, env: Inspection, failure_event: FailureEvent) -> bool:
    env.stack.append(failure_event.error_name)
    rule.error_equals.eval(env)
    return bool(env.stack.pop())


def put_mock(env: Inspection) -> None:
    """Answer with the mock, or fail with it."""
    mock = env.mock
    assert mock is not None
    if mock.error is not None:
        raise failure(env, mock.error, mock.cause or "")
    env.stack.append(mock.result)


def failure(env: Inspection, error: str, cause: str) -> FailureEventException:
    """A task's failure."""
    return FailureEventException(
        FailureEvent(
            env=env,
            error_name=error_name_of(error),
            event_type=HistoryEventType.TaskFailed,
            event_details=EventDetails(taskFailedEventDetails=TaskFailedEventDetails(error=error, cause=cause)),
        )
    )


def stand_in(env: Inspection) -> None:
    """Put the mock in the place of a Map state's iterations or a Parallel state's branches."""
    given = env.stack.pop() if env.stack else None
    if given is not None and hasattr(given, "max_concurrency"):
        env.seen["maxConcurrency"] = given.max_concurrency
        for name in ("tolerated_failure_count", "tolerated_failure_percentage"):
            if getattr(given, name, 0):
                env.seen[_camel(name)] = getattr(given, name)
        failed, tolerated = env.failed_iterations, getattr(given, "tolerated_failure_count", 0)
        if env.mock is not None and env.mock.error is None and tolerated and failed > tolerated:
            raise failure(env, _THRESHOLD, "The specified tolerated failure threshold was exceeded")
    put_mock(env)
    env.seen["mocked"] = env.stack[-1]


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
