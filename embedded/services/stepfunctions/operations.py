"""The operations of Step Functions that moto answers only in part: creation, executions and their history."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.models import StepFunctionsParserBackend, stepfunctions_parser_backends

from embedded.access import roles
from embedded.moto_errors import as_service_errors
from embedded.operations import Call, Params, ServiceError, operation
from embedded.services.stepfunctions.executions import start, stop
from embedded.services.stepfunctions.permissions import EVENT_RULES, missing_for_log, missing_for_rule
from embedded.services.stepfunctions.sagemaker import SESSION, STATES
from embedded.services.stepfunctions.sagemaker_fields import unsupported_names

_SYNC = re.compile(r"^arn:[\w-]+:states:::sagemaker:(\w+)(?:\.(sync))?$")


def backend(call: Call) -> StepFunctionsParserBackend:
    """moto's executing backend of the caller's account and region."""
    return stepfunctions_parser_backends[call.account][call.region]


def check_machine(call: Call, role_arn: str, definition: str, logging: Mapping[str, Any]) -> None:
    """Refuse a role or a definition as CreateStateMachine does."""
    try:
        roles.assume(role_arn, service=STATES, session=SESSION, region=call.region)
    except ServiceError as error:
        text = f"Neither the global service principal {STATES}, nor the regional one is authorized to assume the "
        raise ServiceError("AccessDeniedException", f"{text}provided role. ({error.message})") from error
    if logging.get("level", "OFF") != "OFF" and missing_for_log(role_arn, call.region):
        text = "The state machine IAM Role is not authorized to access the Log Destination"
        lacking = ", ".join(missing_for_log(role_arn, call.region))
        raise ServiceError("AccessDeniedException", f"{text} (it lacks {lacking} on *)")
    try:
        parsed = json.loads(definition)
    except ValueError as error:
        text = f"Invalid State Machine Definition: 'INVALID_JSON_DESCRIPTION: {error}'"
        raise ServiceError("InvalidDefinition", text) from error
    for place, state in tasks(parsed.get("States", {}), "/States"):
        match = _SYNC.match(state["Resource"])
        if match is None:
            continue
        names = [name.removesuffix(".$") for name in state.get("Parameters", state.get("Arguments", {}))]
        for field in unsupported_names(match[1], names):
            text = f'The field "{field}" is not supported by Step Functions at {place}/Parameters'
            raise ServiceError(
                "InvalidDefinition", f"Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: {text}'"
            )
        if match[2] and match[1] in EVENT_RULES:
            _check_managed_rule(call, role_arn, match[1])


def _check_managed_rule(call: Call, role_arn: str, task: str) -> None:
    lacking = missing_for_rule(role_arn, call.region, call.account, task)
    if lacking:
        text = f"'{role_arn}' is not authorized to create managed-rule."
        what = f"it lacks {', '.join(lacking)} on {EVENT_RULES[task]}"
        raise ServiceError("AccessDeniedException", f"{text} ({what})")


def tasks(states: Mapping[str, Any], place: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every Task state with its place, those inside Map and Parallel states too."""
    for name, state in states.items():
        here = f"{place}/{name}"
        if state.get("Type") == "Task" and isinstance(state.get("Resource"), str):
            yield here, state
        for index, branch in enumerate(state.get("Branches", [])):
            yield from tasks(branch.get("States", {}), f"{here}/Branches[{index}]/States")
        for inner in ("ItemProcessor", "Iterator"):
            yield from tasks(state.get(inner, {}).get("States", {}), f"{here}/{inner}/States")


@operation("stepfunctions", "CreateStateMachine")
def create_state_machine(call: Call, params: Params) -> dict[str, Any]:
    """Create a machine whose role Step Functions may take on, and whose definition it can read."""
    check_machine(call, params["roleArn"], params["definition"], params.get("loggingConfiguration") or {})
    arn = f"arn:aws:states:{call.region}:{call.account}:stateMachine:{params['name']}"
    for machine in backend(call).state_machines:
        same = (machine.definition, machine.roleArn) == (params["definition"], params["roleArn"])
        if machine.name == params["name"] and not same:
            raise ServiceError("StateMachineAlreadyExists", f"State Machine Already Exists: '{arn}'")
    with as_service_errors():
        machine = backend(call).create_state_machine(
            name=params["name"],
            definition=params["definition"],
            roleArn=params["roleArn"],
            tags=params.get("tags"),
            publish=params.get("publish"),
            loggingConfiguration=params.get("loggingConfiguration"),
            tracingConfiguration=params.get("tracingConfiguration"),
            encryptionConfiguration=params.get("encryptionConfiguration"),
            version_description=params.get("versionDescription"),
            sm_type=params.get("type"),
        )
    answer = {"stateMachineArn": machine.arn, "creationDate": machine.creation_date}
    if machine.latest_version:
        answer["stateMachineVersionArn"] = machine.latest_version.arn
    return answer


@operation("stepfunctions", "UpdateStateMachine")
def update_state_machine(call: Call, params: Params) -> dict[str, Any]:
    """Change a machine; running executions keep the definition that they started with."""
    with as_service_errors():
        machine = backend(call).describe_state_machine(params["stateMachineArn"])
        check_machine(
            call,
            params.get("roleArn", machine.roleArn),
            params.get("definition", machine.definition),
            params.get("loggingConfiguration", machine.loggingConfiguration) or {},
        )
        machine = backend(call).update_state_machine(
            arn=params["stateMachineArn"],
            definition=params.get("definition"),
            role_arn=params.get("roleArn"),
            logging_configuration=params.get("loggingConfiguration"),
            tracing_configuration=params.get("tracingConfiguration"),
            encryption_configuration=params.get("encryptionConfiguration"),
            publish=params.get("publish"),
            version_description=params.get("versionDescription"),
        )
    if "roleArn" in params:
        machine.roleArn = params["roleArn"]  # moto writes it to role_arn, which nothing reads
    return {"updateDate": machine.update_date}


@operation("stepfunctions", "StartExecution")
def start_execution(call: Call, params: Params) -> dict[str, Any]:
    """Start an execution; the same name with the same input names the one that runs already."""
    execution = start(call.account, call.region, params["stateMachineArn"], params.get("name"), params.get("input"))
    return {"executionArn": execution.exec_arn, "startDate": execution.start_date}


@operation("stepfunctions", "StopExecution")
def stop_execution(call: Call, params: Params) -> dict[str, Any]:
    """Abort an execution; a `.sync` task that is waiting stops its job."""
    execution = find(call, params["executionArn"])
    return {"stopDate": stop(execution, params.get("error"), params.get("cause"))}


def find(call: Call, arn: str) -> Any:
    """The execution, or the service's error."""
    with as_service_errors():
        return backend(call).describe_execution(arn)


@operation("stepfunctions", "DescribeExecution")
def describe_execution(call: Call, params: Params) -> dict[str, Any]:
    """Describe an execution, with its output or its error."""
    execution = find(call, params["executionArn"])
    answer = {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine_arn,
        "name": execution.name,
        "status": execution.exec_status.value,
        "startDate": execution.start_date,
        "input": execution.execution_input,
        "inputDetails": {"included": True},
        "redriveCount": 0,
        "redriveStatus": "NOT_REDRIVABLE",
    }
    if execution.exec_status == ExecutionStatus.SUCCEEDED:
        answer |= {"output": to_json_str(execution.output), "outputDetails": {"included": True}}
    for name in ("stop_date", "error", "cause"):
        value = getattr(execution, name)
        if value is not None and execution.exec_status != ExecutionStatus.RUNNING:
            answer["stopDate" if name == "stop_date" else name] = value
    return answer


def _page(items: list[Any], params: Params, default: int) -> tuple[list[Any], dict[str, str]]:
    """One page and the token of the next."""
    token = params.get("nextToken")
    start_at = 0
    if token:
        try:
            start_at = int(base64.b64decode(token))
        except ValueError as error:
            raise ServiceError("InvalidToken", f"Invalid Token: '{token}'") from error
    size = params.get("maxResults") or default
    more = start_at + size < len(items)
    following = {"nextToken": base64.b64encode(str(start_at + size).encode()).decode()} if more else {}
    return items[start_at : start_at + size], following


@operation("stepfunctions", "ListExecutions")
def list_executions(call: Call, params: Params) -> dict[str, Any]:
    """List a machine's executions, the newest first."""
    with as_service_errors():
        machine = backend(call).describe_state_machine(params["stateMachineArn"])
    wanted = params.get("statusFilter")
    found = [one for one in machine.executions if wanted in (None, one.exec_status.value)]
    found.sort(key=lambda one: one.start_date, reverse=True)
    page, following = _page(found, params, 100)
    executions = []
    for one in page:
        item = {
            "executionArn": one.exec_arn,
            "stateMachineArn": machine.arn,
            "name": one.name,
            "status": one.exec_status.value,
            "startDate": one.start_date,
        }
        executions.append(item | ({"stopDate": one.stop_date} if one.stop_date else {}))
    return {"executions": executions, **following}


@operation("stepfunctions", "GetExecutionHistory")
def get_execution_history(call: Call, params: Params) -> dict[str, Any]:
    """The events of an execution, oldest first unless asked otherwise."""
    execution = find(call, params["executionArn"])
    worker = execution.exec_worker
    events = [] if worker is None or worker.env is None else list(worker.env.event_manager.get_event_history())
    if params.get("reverseOrder"):
        events.reverse()
    page, following = _page(events, params, 1000)
    if params.get("includeExecutionData") is False:
        for event in page:
            for details in event.values():
                if isinstance(details, dict):
                    details.pop("input", None)
                    details.pop("output", None)
    return {"events": page, **following}
