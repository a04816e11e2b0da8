"""Executions: how they start and end, and what EventBridge is told of it."""

import datetime
import threading
import time
import uuid
from dataclasses import dataclass
from typing import Any, TypeVar

from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.eval.evaluation_details import ExecutionDetails
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from moto.stepfunctions.parser.backend.execution import SyncExecution as MotoSyncExecution
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from embedded.bus import events, metrics
from embedded.kept import parts
from embedded.operations import Call, ServiceError
from embedded.services.stepfunctions import arns, json_texts
from embedded.services.stepfunctions.execution_log import ExecutionLog
from embedded.services.stepfunctions.records import Target, activities, target
from embedded.services.stepfunctions.sagemaker import job_changes
from embedded.services.stepfunctions.times import timestamp

_INPUT_BYTES = 262_144
_ENDED = "The embedded cloud ended during this execution."
_starting = threading.Lock()
_COUNTED = {
    ExecutionStatus.RUNNING: "ExecutionsStarted",
    ExecutionStatus.SUCCEEDED: "ExecutionsSucceeded",
    ExecutionStatus.FAILED: "ExecutionsFailed",
    ExecutionStatus.TIMED_OUT: "ExecutionsTimedOut",
    ExecutionStatus.ABORTED: "ExecutionsAborted",
}
"""The metric of AWS/States for each status."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """A machine as one execution found it; moto reads it by these names."""

    arn: str
    name: str
    definition: str
    sm_type: str
    roleArn: str
    revision_id: str | None
    updated: datetime.datetime
    loggingConfiguration: Any
    tracingConfiguration: Any
    encryptionConfiguration: Any
    version_arn: str | None
    alias_arn: str | None

    @classmethod
    def of(cls, named: Target) -> "Snapshot":
        """The machine, or its version, as it is now."""
        settings = named.settings
        return cls(
            arn=named.machine.arn,
            name=named.machine.name,
            definition=settings.definition,
            sm_type=settings.sm_type,
            roleArn=settings.roleArn,
            revision_id=settings.revision_id,
            updated=settings.update_date,
            loggingConfiguration=settings.loggingConfiguration,
            tracingConfiguration=settings.tracingConfiguration,
            encryptionConfiguration=settings.encryptionConfiguration,
            version_arn=None if named.version is None else named.version.arn,
            alias_arn=None if named.alias is None else named.alias.arn,
        )


class RealExecution(Execution):  # type: ignore[misc]
    """moto's record of an execution, which says when it begins and ends."""

    def _get_start_execution_worker_comm(self) -> BaseExecutionWorkerCommunication:
        return _Ending(self)

    def get_start_execution_details(self) -> ExecutionDetails:
        """What the context object says of the execution."""
        return ExecutionDetails(
            arn=self.exec_arn,
            name=self.name,
            role_arn=self.role_arn,
            inpt=self.input_data,
            start_time=timestamp(self.start_date),
        )

    def announce(self) -> None:
        """Tell EventBridge the status of a standard execution, and CloudWatch of every one."""
        self._count()
        if self.sm_type != "STANDARD":
            return
        detail = {
            "executionArn": self.exec_arn,
            "stateMachineArn": self.state_machine_arn,
            "stateMachineVersionArn": self.state_machine.version_arn,
            "stateMachineAliasArn": self.state_machine.alias_arn,
            "name": self.name,
            "status": self.exec_status.value,
            "startDate": _milliseconds(self.start_date),
            "stopDate": _milliseconds(self.stop_date),
            "input": self.execution_input,
            "inputDetails": {"included": True},
            "output": to_json_str(self.output) if self.exec_status == ExecutionStatus.SUCCEEDED else None,
            "outputDetails": {"included": True} if self.exec_status == ExecutionStatus.SUCCEEDED else None,
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
        events.publish(self.account_id, self.region_name, event)

    def _count(self) -> None:
        """Publish what Step Functions publishes of an execution that begins or ends."""
        figures: list[dict[str, Any]] = [{"MetricName": _COUNTED[self.exec_status], "Value": 1.0, "Unit": "Count"}]
        if self.start_date is not None and self.stop_date is not None:
            took = (self.stop_date - self.start_date).total_seconds() * 1000
            figures.append({"MetricName": "ExecutionTime", "Value": took, "Unit": "Milliseconds"})
        dimensions = [{"Name": "StateMachineArn", "Value": self.state_machine_arn}]
        data = [{**figure, "Dimensions": dimensions} for figure in figures]
        metrics.publish(self.account_id, self.region_name, "AWS/States", data)


class SyncExecution(RealExecution):
    """An execution that is over when `start` returns."""

    _get_start_execution_worker = MotoSyncExecution._get_start_execution_worker


Kind = TypeVar("Kind", bound=RealExecution)


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


def check_input(given: str) -> None:
    """Refuse an input that is no JSON, or too long."""
    if len(given.encode()) > _INPUT_BYTES:
        text = f"1 validation error detected: Value at 'input' is longer than {_INPUT_BYTES} bytes"
        raise ServiceError("ValidationException", text)
    if not given.strip():
        raise _invalid_input("Invalid execution input.")
    try:
        json_texts.read(given)
    except json_texts.NotJson as error:
        raise _invalid_input(error.problem) from error


def _invalid_input(problem: str) -> ServiceError:
    return ServiceError("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{problem}'")


def start(account: str, region: str, machine_arn: str, name: str | None, given: str | None) -> RealExecution:
    """Start an execution; the same name with the same input names the one that runs already."""
    call = Call(account=account, region=region, principal="")
    name = str(uuid.uuid4()) if name is None else name
    given = "{}" if given is None else given
    arns.check_name(name)
    named = target(call, machine_arn)
    check_input(given)
    with _starting:
        running = _running(named, name, given)
        if running is not None:
            return running
        execution = _execution(call, named, name, given, RealExecution)
        named.machine.executions.append(execution)
    _begin(execution)
    return execution


def start_sync(call: Call, machine_arn: str, name: str | None, given: str | None) -> SyncExecution:
    """Run an express machine to its end."""
    name = str(uuid.uuid4()) if name is None else name
    given = "{}" if given is None else given
    arns.check_name(name)
    named = target(call, machine_arn)
    if named.settings.sm_type != "EXPRESS":
        text = "This operation is not supported by this type of state machine"
        raise ServiceError("StateMachineTypeNotSupported", text)
    check_input(given)
    execution = _execution(call, named, name, given, SyncExecution)
    named.machine.executions.append(execution)
    _begin(execution)
    return execution


def _begin(execution: RealExecution) -> None:
    execution.exec_status = ExecutionStatus.RUNNING
    execution.announce()
    execution.start()


def _running(named: Target, name: str, given: str) -> RealExecution | None:
    """A standard machine's execution of this name, where it is the same."""
    if named.settings.sm_type != "STANDARD":
        return None
    for execution in named.machine.executions:
        if execution.name != name:
            continue
        if execution.exec_status == ExecutionStatus.RUNNING and execution.execution_input == given:
            found: RealExecution = execution
            return found
        raise ServiceError("ExecutionAlreadyExists", f"Execution Already Exists: '{execution.exec_arn}'")
    return None


def _execution(call: Call, named: Target, name: str, given: str, kind: type[Kind]) -> Kind:
    """A new execution, with a snapshot of the machine and with the log that moto leaves out."""
    snapshot = Snapshot.of(named)
    standard = snapshot.sm_type == "STANDARD"
    arn = arns.execution(snapshot.arn, name) if standard else arns.express(snapshot.arn, name, str(uuid.uuid4()))
    return kind(
        name=name,
        sm_type=snapshot.sm_type,
        role_arn=snapshot.roleArn,
        exec_arn=arn,
        account_id=call.account,
        region_name=call.region,
        state_machine=snapshot,
        start_date=datetime.datetime.now(tz=datetime.UTC),
        cloud_watch_logging_session=ExecutionLog.of(snapshot, arn),
        input_data=given,
        activity_store=activities(call.account, call.region),
    )


@parts.afterwards
def _fail_what_ran() -> None:
    now = datetime.datetime.now(tz=datetime.UTC)
    for by_region in stepfunctions_parser_backends.values():
        for backend in by_region.values():
            for machine in backend.state_machines:
                for execution in getattr(machine, "executions", ()):
                    if execution.exec_status == ExecutionStatus.RUNNING:
                        execution.exec_status, execution.stop_date = ExecutionStatus.FAILED, now
                        execution.error, execution.cause = "States.Runtime", _ENDED


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
