"""Change sets: a plan that is kept, shown, and executed or thrown away."""

import re
from dataclasses import replace
from typing import Any

from embedded.cloudformation import engine, imports, nested
from embedded.cloudformation.changesets.answers import change_set_dict, change_set_summary
from embedded.cloudformation.changesets.making import Asked, make
from embedded.cloudformation.inputs import inputs_of, new_stack, refuse, require_idle
from embedded.cloudformation.stack import STORE, ChangeSet, Stack
from embedded.operations import Call, Params, ServiceError, operation

_SERVICE = "cloudformation"
_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]*")


def find(stack: Stack, name_or_arn: str) -> ChangeSet:
    """A change set of a stack, by name, or by ARN even if it is past."""
    for item in (*stack.change_sets.values(), *stack.past_change_sets):
        if name_or_arn == item.arn or (name_or_arn == item.name and item.name in stack.change_sets):
            return item
    raise ServiceError("ChangeSetNotFound", f"ChangeSet [{name_or_arn}] does not exist", 404)


def locate(call: Call, params: Params) -> tuple[Stack, ChangeSet]:
    """The change set that a call names, and its stack."""
    wanted = params["ChangeSetName"]
    if params.get("StackName") and not wanted.startswith("arn:"):
        stack = STORE.find(call.account, call.region, params["StackName"])
        if stack is None:
            raise refuse(f"Stack [{params['StackName']}] does not exist")
        return stack, find(stack, wanted)
    if not wanted.startswith("arn:"):
        raise refuse("StackName must be specified if ChangeSetName is not specified as an ARN.")
    for stack in STORE.all(call.account, call.region):
        for item in (*stack.change_sets.values(), *stack.past_change_sets):
            if item.arn == wanted:
                return stack, item
    raise ServiceError("ChangeSetNotFound", f"ChangeSet [{wanted}] does not exist", 404)


@operation(_SERVICE, "CreateChangeSet")
def create_change_set(call: Call, params: Params) -> dict[str, Any]:
    """Work out what would change; for a new stack, make it a stack under review."""
    kind = params.get("ChangeSetType", "UPDATE")
    name = params["ChangeSetName"]
    if not _NAME.fullmatch(name):
        raise refuse(
            f"1 validation error detected: Value '{name}' at 'changeSetName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
        )
    stack = STORE.find(call.account, call.region, params["StackName"])
    _check_kind(kind, stack, params)
    inputs = inputs_of(call, params, stack, change_set=True)
    imported = imports.read(call, params, stack, inputs) if kind == "IMPORT" else {}
    if stack is None:
        stack = new_stack(call, params, "REVIEW_IN_PROGRESS")
        stack.reason = "User Initiated"
        STORE.add(stack)
        stack.add_event(stack.name, stack.arn, "AWS::CloudFormation::Stack", "REVIEW_IN_PROGRESS", "User Initiated")
    if name in stack.change_sets:
        raise ServiceError("AlreadyExistsException", f"ChangeSet {name} already exists")
    asked = Asked(
        name=name,
        kind=kind,
        include_nested=bool(params.get("IncludeNestedStacks")),
        description=params.get("Description"),
    )
    change_set = make(call, asked, stack, inputs)
    change_set.imported = imported
    for told in change_set.changes if imported else ():
        found = told["ResourceChange"]
        found |= {"Action": "Import", "PhysicalResourceId": imported[found["LogicalResourceId"]]}
    return {"Id": change_set.arn, "StackId": stack.arn}


def _check_kind(kind: str, stack: Stack | None, params: Params) -> None:
    name, change_set = params["StackName"], params["ChangeSetName"]
    if kind == "IMPORT":
        return  # what may be imported depends on the template
    if kind == "CREATE":
        if stack is not None and stack.status != "REVIEW_IN_PROGRESS":
            raise refuse(
                f"Stack [{name}] already exists and cannot be created again with the changeSet [{change_set}]."
            )
    elif stack is None:
        raise refuse(f"Stack [{name}] does not exist")
    else:
        require_idle(stack, "updated")


@operation(_SERVICE, "DescribeChangeSet")
def describe_change_set(call: Call, params: Params) -> dict[str, Any]:
    """What a change set would do."""
    stack, item = locate(call, params)
    return change_set_dict(stack, item, values=bool(params.get("IncludePropertyValues")))


@operation(_SERVICE, "ListChangeSets")
def list_change_sets(call: Call, params: Params) -> dict[str, Any]:
    """The change sets of a stack."""
    stack = STORE.find(call.account, call.region, params["StackName"])
    if stack is None:
        raise refuse(f"Stack [{params['StackName']}] does not exist")
    return {"Summaries": [change_set_summary(stack, item) for item in stack.change_sets.values()]}


@operation(_SERVICE, "DeleteChangeSet")
def delete_change_set(call: Call, params: Params) -> dict[str, Any]:
    """Throw a change set away."""
    try:
        stack, item = locate(call, params)
    except ServiceError as error:
        if error.code == "ChangeSetNotFound":
            return {}
        raise
    _require_root(item, "deleted")
    if stack.change_sets.get(item.name) is item:
        nested.discard(stack, item)
    return {}


def _require_root(item: ChangeSet, doing: str) -> None:
    """The change sets of nested stacks share the life of the root's."""
    if item.root is not None:
        raise ServiceError(
            "InvalidChangeSetStatus",
            f"ChangeSet [{item.arn}] can only be {doing} from the root change set [{item.root}]",
        )


@operation(_SERVICE, "ExecuteChangeSet")
def execute_change_set(call: Call, params: Params) -> dict[str, Any]:
    """Do what a change set says."""
    stack, item = locate(call, params)
    _require_root(item, "executed")
    if item.execution_status != "AVAILABLE":
        raise ServiceError(
            "InvalidChangeSetStatus",
            f"ChangeSet [{item.arn}] cannot be executed in its current status of [{item.status}]",
        )
    on_failure = "DO_NOTHING" if params.get("DisableRollback") else item.inputs.on_failure
    token = params.get("ClientRequestToken", item.inputs.token)
    inputs = replace(item.inputs, token=token, on_failure=on_failure)
    if item.kind == "IMPORT":
        stack.status = "IMPORT_IN_PROGRESS"
        engine.start(stack, "UPDATE_STACK", lambda target: imports.adopt(target, inputs, item.imported))
        return {}
    creates = stack.status == "REVIEW_IN_PROGRESS"
    stack.status = "CREATE_IN_PROGRESS" if creates else "UPDATE_IN_PROGRESS"
    stack.retire_change_sets(executed=item)

    def carry_out(target: Stack) -> None:
        (engine.create if creates else engine.update)(target, inputs)
        nested.let_go(target, item)  # what a failure kept from being made

    engine.start(stack, "CREATE_STACK" if creates else "UPDATE_STACK", carry_out)
    return {}
