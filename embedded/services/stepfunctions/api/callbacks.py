"""Task tokens: what waits for them, and what they are answered with."""

from collections.abc import Callable
from typing import Any

from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackConsumerTimeout,
    CallbackNotifyConsumerError,
    CallbackOutcomeFailure,
    CallbackOutcomeSuccess,
)

from embedded.operations import Call, Params, ServiceError, operation
from embedded.services.stepfunctions import json_texts
from embedded.services.stepfunctions.records import backend


def executions(call: Call) -> list[Any]:
    """The account's executions that run."""
    return [
        one
        for machine in backend(call.account, call.region).state_machines
        for one in list(machine.executions)
        if one.exec_status == ExecutionStatus.RUNNING and one.exec_worker is not None and one.exec_worker.env
    ]


def _answer(call: Call, notify: Callable[[Any], bool]) -> dict[str, Any]:
    """Hand an outcome to whoever waits for the token."""
    for execution in executions(call):
        try:
            if notify(execution.exec_worker.env.callback_pool_manager):
                return {}
        except CallbackNotifyConsumerError as error:
            if isinstance(error.callback_consumer_error, CallbackConsumerTimeout):
                raise ServiceError("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'") from error
            raise ServiceError("TaskDoesNotExist", "Task Does Not Exist") from error
    raise ServiceError("InvalidToken", "Invalid Token: 'Invalid token'")


@operation("stepfunctions", "SendTaskSuccess")
def send_task_success(call: Call, params: Params) -> dict[str, Any]:
    """End the task that waits for the token."""
    token = params["taskToken"]
    try:
        json_texts.read(params["output"])
    except json_texts.NotJson as error:
        raise ServiceError("InvalidOutput", f"Invalid Output: '{error.problem}'") from error
    outcome = CallbackOutcomeSuccess(callback_id=token, output=params["output"])
    return _answer(call, lambda pool: bool(pool.notify(callback_id=token, outcome=outcome)))


@operation("stepfunctions", "SendTaskFailure")
def send_task_failure(call: Call, params: Params) -> dict[str, Any]:
    """Fail the task that waits for the token."""
    token = params["taskToken"]
    outcome = CallbackOutcomeFailure(callback_id=token, error=params.get("error"), cause=params.get("cause"))
    return _answer(call, lambda pool: bool(pool.notify(callback_id=token, outcome=outcome)))


@operation("stepfunctions", "SendTaskHeartbeat")
def send_task_heartbeat(call: Call, params: Params) -> dict[str, Any]:
    """Say that the worker of the token is alive."""
    token = params["taskToken"]
    return _answer(call, lambda pool: bool(pool.heartbeat(callback_id=token)))
