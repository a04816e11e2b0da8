"""Executions: how they start and end, and what EventBridge is told of it."""

import copy
import datetime
import json
import re
import threading
import time
import uuid
from typing import Any

from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from embedded.bus import events, metrics
from embedded.moto_errors import as_service_errors
from embedded.operations import ServiceError
from embedded.services.stepfunctions import job_changes
from embedded.services.stepfunctions.execution_log import ExecutionLog

_NAME = re.compile(r"^[^\s<>{}\[\]?*\"#%\\^|~`$&,;:/\u0000-\u001f\u007f-\u009f]{1,80}$")
_INPUT_BYTES = 262_144
_starting = threading.Lock()
_COUNTED = {
    ExecutionStatus.RUNNING: "ExecutionsStarted",
    ExecutionStatus.SUCCEEDED: "ExecutionsSucceeded",
    ExecutionStatus.FAILED: "ExecutionsFailed",
    ExecutionStatus.TIMED_OUT: "ExecutionsTimedOut",
    ExecutionStatus.ABORTED: "ExecutionsAborted",
}
"""The metric of AWS/States for each status."""


class RealExecution(Execution):  # type: ignore[misc]
    """moto's record of an execution, which says when it begins and ends."""

    def _get_start_execution_worker_comm(self) -> BaseExecutionWorkerCommunication:
        return _Ending(self)

    def announce(self) -> None:
        """Tell EventBridge the execution's status."""
        detail = {
            "executionArn": self.exec_arn,
            "stateMachineArn": self.state_machine_arn,
            "name": self.name,
            "status": self.exec_status.value,
            "startDate": _milliseconds(self.start_date),
            "stopDate": _milliseconds(self.stop_date),
            "input": self.execution_input,
            "inputDetails": {"included": True},
            "output": to_json_str(self.output) if self.exec_status == ExecutionStatus.SUCCEEDED else None,
            "outputDetails": {"included": True},
            "error": self.error,
            "cause": self.cause,
            "redriveCount": 0,
        }
        event = {
            "source": "aws.states",
            "detail-type": "Step Functions Execution Status Change",
            "resources": [self.exec_arn],
            "detail": detail,
        }
        self._count()
        events.publish(self.account_id, self.region_name, event)

    def _count(self) -> None:
        """Publish what Step Functions publishes of a standard execution that begins or ends."""
        figures: list[dict[str, Any]] = [{"MetricName": _COUNTED[self.exec_status], "Value": 1.0, "Unit": "Count"}]
        if self.start_date is not None and self.stop_date is not None:
            took = (self.stop_date - self.start_date).total_seconds() * 1000
            figures.append({"MetricName": "ExecutionTime", "Value": took, "Unit": "Milliseconds"})
        dimensions = [{"Name": "StateMachineArn", "Value": self.state_machine_arn}]
        data = [{**figure, "Dimensions": dimensions} for figure in figures]
        metrics.publish(self.account_id, self.region_name, "AWS/States", data)


def _milliseconds(moment: datetime.datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)


class _Ending(BaseExecutionWorkerCommunication):  # type: ignore[misc]
    """Hears from moto's worker that an execution has ended."""

    def terminated(self) -> None:
        """Take over the outcome, unless the execution was stopped: that has been said already."""
        if self.execution.exec_status == ExecutionStatus.ABORTED:
            return
        self._reflect_execution_status()
        self.execution.announce()


def start(account: str, region: str, machine_arn: str, name: str | None, given: str | None) -> RealExecution:
    """Start an execution; the same name with the same input names the one that runs already."""
    name = str(uuid.uuid4()) if name is None else name
    given = "{}" if given is None else given
    if not _NAME.match(name):
        raise ServiceError("InvalidName", f"Invalid Name: '{name}'")
    if len(given.encode()) > _INPUT_BYTES:
        text = f"1 validation error detected: Value at 'input' is longer than {_INPUT_BYTES} bytes"
        raise ServiceError("ValidationException", text)
    try:
        json.loads(given)
    except ValueError as error:
        raise ServiceError("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'") from error
    with as_service_errors(), _starting:
        machine = stepfunctions_parser_backends[account][region].describe_state_machine(machine_arn)
        running: RealExecution | None = machine._handle_name_input_idempotency(name, given)
        if running is not None:
            return running
        execution = _execution(machine, name, given)
        machine.executions.append(execution)
    execution.exec_status = ExecutionStatus.RUNNING
    execution.announce()
    execution.start()
    return execution


def _execution(machine: Any, name: str, given: str) -> RealExecution:
    """A new execution, with a snapshot of the machine and with the log that moto leaves out."""
    # the snapshot shares the backend and takes no executions along: both hold threads and locks
    snapshot = copy.deepcopy(machine, {id(machine.executions): [], id(machine.backend): machine.backend})
    arn = machine.arn.replace(":stateMachine:", ":execution:") + f":{name}"
    _, _, _, region, account, *_ = machine.arn.split(":")
    return RealExecution(
        name=name,
        sm_type=snapshot.sm_type,
        role_arn=snapshot.roleArn,
        exec_arn=arn,
        account_id=account,
        region_name=region,
        state_machine=snapshot,
        start_date=datetime.datetime.now(tz=datetime.UTC),
        cloud_watch_logging_session=ExecutionLog.of(machine, arn),
        input_data=given,
        activity_store={},
    )


def stop(execution: RealExecution, error: str | None, cause: str | None) -> datetime.datetime:
    """Abort an execution and return when it stopped; one that has ended stays as it is."""
    now = datetime.datetime.now(tz=datetime.UTC)
    if execution.exec_status != ExecutionStatus.RUNNING:
        return execution.stop_date or now
    while execution.exec_worker.env is None:
        time.sleep(0.01)  # its thread has begun, and has read the definition in a moment
    execution.error, execution.cause, execution.stop_date = error, cause, now
    execution.exec_status = ExecutionStatus.ABORTED
    execution.stop(stop_date=now, error=error, cause=cause)
    job_changes.jobs_changed()
    execution.announce()
    return now
