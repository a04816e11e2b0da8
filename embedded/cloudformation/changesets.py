"""Change sets: a plan that is kept, shown, and executed or thrown away."""

import uuid
from dataclasses import replace
from typing import Any

from embedded.cloudformation import engine
from embedded.cloudformation.errors import TemplateError
from embedded.cloudformation.inputs import inputs_of, new_stack, require_idle
from embedded.cloudformation.stack import STORE, ChangeSet, Inputs, Stack
from embedded.operations import Call, Params, ServiceError, operation

_SERVICE = "cloudformation"
_NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."


def find(stack: Stack, name_or_arn: str) -> ChangeSet:
    """A change set of a stack, by name or by ARN."""
    for item in stack.change_sets.values():
        if name_or_arn in (item.name, item.arn):
            return item
    raise ServiceError("ChangeSetNotFound", f"ChangeSet [{name_or_arn}] does not exist", 404)


def _locate(call: Call, params: Params) -> tuple[Stack, ChangeSet]:
    wanted = params["ChangeSetName"]
    if params.get("StackName"):
        stack = STORE.find(call.account, call.region, params["StackName"])
        if stack is None:
            raise ServiceError("ValidationError", f"Stack [{params['StackName']}] does not exist")
        return stack, find(stack, wanted)
    for stack in STORE.all(call.account, call.region):
        for item in stack.change_sets.values():
            if item.arn == wanted:
                return stack, item
    raise ServiceError("ChangeSetNotFound", f"ChangeSet [{wanted}] does not exist", 404)


@operation(_SERVICE, "CreateChangeSet")
def create_change_set(call: Call, params: Params) -> dict[str, Any]:
    """Work out what would change; for a new stack, make it a stack under review."""
    kind = params.get("ChangeSetType", "UPDATE")
    stack = STORE.find(call.account, call.region, params["StackName"])
    if kind == "IMPORT":
        raise ServiceError("ValidationError", "the embedded cloud does not import existing resources into stacks")
    if kind == "CREATE":
        if stack is not None and stack.status != "REVIEW_IN_PROGRESS":
            raise ServiceError(
                "ValidationError",
                f"Stack [{stack.name}] already exists and cannot be created again with the changeSet "
                f"[{params['ChangeSetName']}].",
            )
    elif stack is None:
        raise ServiceError("ValidationError", f"Stack [{params['StackName']}] does not exist")
    else:
        require_idle(stack, "updated")
    inputs = inputs_of(call, params, stack)
    if stack is None:
        stack = new_stack(call, params, "REVIEW_IN_PROGRESS")
        STORE.add(stack)
        stack.add_event(stack.name, stack.arn, "AWS::CloudFormation::Stack", "REVIEW_IN_PROGRESS", "User Initiated")
    if params["ChangeSetName"] in stack.change_sets:
        raise ServiceError("AlreadyExistsException", f"ChangeSet {params['ChangeSetName']} already exists")
    change_set = _made(call, params, kind, stack, inputs)
    stack.change_sets[change_set.name] = change_set
    return {"Id": change_set.arn, "StackId": stack.arn}


def _made(call: Call, params: Params, kind: str, stack: Stack, inputs: Inputs) -> ChangeSet:
    name = params["ChangeSetName"]
    arn = f"arn:{stack.partition}:cloudformation:{call.region}:{call.account}:changeSet/{name}/{uuid.uuid4()}"
    change_set = ChangeSet(
        name=name,
        arn=arn,
        kind=kind,
        inputs=inputs,
        status="CREATE_COMPLETE",
        execution_status="AVAILABLE",
        description=params.get("Description"),
    )
    try:
        plan = engine.plan(stack, inputs)
    except TemplateError as error:
        change_set.status, change_set.execution_status, change_set.reason = "FAILED", "UNAVAILABLE", str(error)
        return change_set
    change_set.changes = plan.changes()
    if plan.is_empty:
        change_set.status, change_set.execution_status, change_set.reason = "FAILED", "UNAVAILABLE", _NO_CHANGES
    return change_set


@operation(_SERVICE, "DescribeChangeSet")
def describe_change_set(call: Call, params: Params) -> dict[str, Any]:
    """What a change set would do."""
    stack, item = _locate(call, params)
    inputs = item.inputs
    answer = {
        **_summary(stack, item),
        "Changes": item.changes,
        "Parameters": [] if inputs is None else [value.description() for value in inputs.parameters.values()],
        "Capabilities": [] if inputs is None else list(inputs.capabilities),
        "NotificationARNs": [] if inputs is None else list(inputs.notification_arns),
        "Tags": [] if inputs is None else [{"Key": key, "Value": value} for key, value in inputs.tags.items()],
        "OnStackFailure": None if inputs is None or inputs.on_failure == "ROLLBACK" else inputs.on_failure,
    }
    return {key: value for key, value in answer.items() if value is not None}


def _summary(stack: Stack, item: ChangeSet) -> dict[str, Any]:
    answer = {
        "ChangeSetName": item.name,
        "ChangeSetId": item.arn,
        "StackId": stack.arn,
        "StackName": stack.name,
        "Description": item.description,
        "CreationTime": item.created,
        "ExecutionStatus": item.execution_status,
        "Status": item.status,
        "StatusReason": item.reason,
        "IncludeNestedStacks": False,
    }
    return {key: value for key, value in answer.items() if value is not None}


@operation(_SERVICE, "ListChangeSets")
def list_change_sets(call: Call, params: Params) -> dict[str, Any]:
    """The change sets of a stack."""
    stack = STORE.find(call.account, call.region, params["StackName"])
    if stack is None:
        raise ServiceError("ValidationError", f"Stack [{params['StackName']}] does not exist")
    return {"Summaries": [_summary(stack, item) for item in stack.change_sets.values()]}


@operation(_SERVICE, "DeleteChangeSet")
def delete_change_set(call: Call, params: Params) -> dict[str, Any]:
    """Throw a change set away."""
    try:
        stack, item = _locate(call, params)
    except ServiceError as error:
        if error.code == "ChangeSetNotFound":
            return {}
        raise
    stack.change_sets.pop(item.name, None)
    return {}


@operation(_SERVICE, "ExecuteChangeSet")
def execute_change_set(call: Call, params: Params) -> dict[str, Any]:
    """Do what a change set says."""
    stack, item = _locate(call, params)
    if item.execution_status != "AVAILABLE" or item.inputs is None:
        raise ServiceError(
            "InvalidChangeSetStatus",
            f"ChangeSet [{item.arn}] cannot be executed in its current status of [{item.status}]",
        )
    on_failure = "DO_NOTHING" if params.get("DisableRollback") else item.inputs.on_failure
    token = params.get("ClientRequestToken", item.inputs.token)
    inputs = replace(item.inputs, token=token, on_failure=on_failure)
    creates = stack.status == "REVIEW_IN_PROGRESS"
    stack.status = "CREATE_IN_PROGRESS" if creates else "UPDATE_IN_PROGRESS"
    # executing one change set ends the life of them all: the stack that they were made for is no more
    stack.change_sets.clear()
    engine.start(stack, lambda target: (engine.create if creates else engine.update)(target, inputs))
    return {}
