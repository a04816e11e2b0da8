"""Executions: started, stopped, described, listed, and their history."""

import math
from typing import Any

from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

from embedded.operations import Call, Params, ServiceError, operation
from embedded.services.stepfunctions import arns, executions, records
from embedded.services.stepfunctions.api.machines import described
from embedded.services.stepfunctions.api.pages import check_enum, page

_STATUSES = "SUCCEEDED, TIMED_OUT, PENDING_REDRIVE, ABORTED, FAILED, RUNNING"


@operation("stepfunctions", "StartExecution")
def start_execution(call: Call, params: Params) -> dict[str, Any]:
    """Start an execution; the same name with the same input names the one that runs already."""
    execution = executions.start(
        call.account, call.region, params["stateMachineArn"], params.get("name"), params.get("input")
    )
    return {"executionArn": execution.exec_arn, "startDate": execution.start_date}


@operation("stepfunctions", "StartSyncExecution")
def start_sync_execution(call: Call, params: Params) -> dict[str, Any]:
    """Run an express machine, and answer with what came of it."""
    execution = executions.start_sync(call, params["stateMachineArn"], params.get("name"), params.get("input"))
    took = (execution.stop_date - execution.start_date).total_seconds() * 1000
    answer = {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine_arn,
        "name": execution.name,
        "startDate": execution.start_date,
        "stopDate": execution.stop_date,
        "status": execution.exec_status.value,
        "input": execution.execution_input,
        "inputDetails": {"included": True},
        "outputDetails": {"included": True},
        "billingDetails": {
            "billedMemoryUsedInMB": 64,
            "billedDurationInMilliseconds": max(100, math.ceil(took / 100) * 100),
        },
    }
    return answer | _outcome(execution)


def _outcome(execution: executions.RealExecution) -> dict[str, Any]:
    """Output, error and cause of an execution that has ended."""
    found: dict[str, Any] = {}
    if execution.exec_status == ExecutionStatus.SUCCEEDED:
        found |= {
            "output": to_json_str(execution.output, separators=(",", ":")),
            "outputDetails": {"included": True},
        }
    if execution.exec_status != ExecutionStatus.RUNNING:
        for name in ("error", "cause"):
            if getattr(execution, name) is not None:
                found[name] = getattr(execution, name)
    return found


@operation("stepfunctions", "StopExecution")
def stop_execution(call: Call, params: Params) -> dict[str, Any]:
    """Abort an execution; a `.sync` task that is waiting stops its job."""
    execution = find(call, params["executionArn"])
    return {"stopDate": executions.stop(execution, params.get("error"), params.get("cause"))}


def find(call: Call, arn: str) -> executions.RealExecution:
    """The execution of a standard machine, or the service's error."""
    arns.check(arn, "execution")
    for machine in records.backend(call.account, call.region).state_machines:
        for execution in machine.executions:
            if execution.exec_arn == arn:
                found: executions.RealExecution = execution
                return found
    raise ServiceError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")


@operation("stepfunctions", "DescribeExecution")
def describe_execution(call: Call, params: Params) -> dict[str, Any]:
    """Describe an execution, with its output or its error."""
    execution = find(call, params["executionArn"])
    answer = {
        **_identity(execution),
        "input": execution.execution_input,
        "inputDetails": {"included": True},
        "redriveStatus": "REDRIVABLE",  # as the service says; RedriveExecution itself is refused here by name
    }
    if execution.exec_status in (ExecutionStatus.RUNNING, ExecutionStatus.SUCCEEDED):
        answer["redriveStatus"] = "NOT_REDRIVABLE"
        text = f"Execution is {execution.exec_status.value} and cannot be redriven"
        answer["redriveStatusReason"] = text
    return answer | _outcome(execution)


def _identity(execution: executions.RealExecution) -> dict[str, Any]:
    """What a description and a list say of an execution."""
    answer = {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine_arn,
        "name": execution.name,
        "status": execution.exec_status.value,
        "startDate": execution.start_date,
        "redriveCount": 0,
    }
    machine = execution.state_machine
    for name, value in (
        ("stateMachineVersionArn", machine.version_arn),
        ("stateMachineAliasArn", machine.alias_arn),
        ("stopDate", None if execution.exec_status == ExecutionStatus.RUNNING else execution.stop_date),
    ):
        if value is not None:
            answer[name] = value
    return answer


@operation("stepfunctions", "DescribeStateMachineForExecution")
def describe_state_machine_for_execution(call: Call, params: Params) -> dict[str, Any]:
    """The machine as the execution started with it."""
    execution = find(call, params["executionArn"])
    machine = execution.state_machine
    return described(machine) | {"stateMachineArn": machine.arn, "updateDate": machine.updated}


@operation("stepfunctions", "ListExecutions")
def list_executions(call: Call, params: Params) -> dict[str, Any]:
    """List the executions of a machine, a version or an alias, the newest first."""
    check_enum(params.get("statusFilter"), "statusFilter", _STATUSES)
    if "stateMachineArn" not in params:
        raise ServiceError("NotImplemented", "the embedded cloud does not emulate ListExecutions of a map run", 501)
    arn = params["stateMachineArn"]
    named = records.target(call, arn)
    if named.settings.sm_type != "STANDARD":
        text = "This operation is not supported by this type of state machine"
        raise ServiceError("StateMachineTypeNotSupported", text)
    wanted = params.get("statusFilter")
    found = [
        one
        for one in named.machine.executions
        if wanted in (None, one.exec_status.value)
        and arn in (named.machine.arn, one.state_machine.version_arn, one.state_machine.alias_arn)
    ]
    found.sort(key=lambda one: one.start_date, reverse=True)
    some, following = page(found, params, token_length=3096)
    return {"executions": [_identity(one) for one in some], **following}


@operation("stepfunctions", "GetExecutionHistory")
def get_execution_history(call: Call, params: Params) -> dict[str, Any]:
    """The events of an execution, oldest first unless asked otherwise."""
    execution = find(call, params["executionArn"])
    worker = execution.exec_worker
    events = [] if worker is None or worker.env is None else list(worker.env.event_manager.get_event_history())
    if params.get("reverseOrder"):
        events.reverse()
    some, following = page(events, params, default=1000)
    if params.get("includeExecutionData") is False:
        for event in some:
            for details in event.values():
                if isinstance(details, dict):
                    details.pop("input", None)
                    details.pop("output", None)
    return {"events": some, **following}
