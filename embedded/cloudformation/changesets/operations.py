"""Change sets: a plan that is kept, shown, and executed or thrown away."""

import re
import uuid
from dataclasses import replace
from typing import Any

from embedded.cloudformation import engine, imports
from embedded.cloudformation.changesets.answers import change_set_dict, change_set_summary
from embedded.cloudformation.changesets.changes import Causes, Subject, change, dynamic_change
from embedded.cloudformation.errors import TemplateError
from embedded.cloudformation.inputs import inputs_of, new_stack, refuse, require_idle
from embedded.cloudformation.plan import Plan
from embedded.cloudformation.stack import STORE, ChangeSet, Deployed, Inputs, Stack
from embedded.cloudformation.templates.intrinsics import UNKNOWN, attribute_references, references
from embedded.operations import Call, Params, ServiceError, operation

_SERVICE = "cloudformation"
_NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."
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
    change_set = _made(call, params, kind, stack, inputs)
    change_set.imported = imported
    for told in change_set.changes if imported else ():
        found = told["ResourceChange"]
        found |= {"Action": "Import", "PhysicalResourceId": imported[found["LogicalResourceId"]]}
    stack.change_sets[name] = change_set
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
        if inputs.failure is not None:
            raise TemplateError(inputs.failure)
        plan = engine.plan(stack, inputs)
    except TemplateError as error:
        change_set.status, change_set.execution_status, change_set.reason = "FAILED", "UNAVAILABLE", str(error)
        return change_set
    change_set.changes = _changes(stack, inputs, plan)
    change_set.perhaps = _perhaps(stack, inputs, plan)
    if plan.is_empty and kind == "UPDATE":
        change_set.status, change_set.execution_status, change_set.reason = "FAILED", "UNAVAILABLE", _NO_CHANGES
    elif plan.missing_exports:
        resource, exports = next(iter(plan.missing_exports.items()))
        change_set.warning = (
            "[WARN] --include-property-values option can return incomplete ChangeSet data because: ChangeSet creation "
            f"failed for resource [{resource}] because: No export named {exports}"
        )
    return change_set


def _changes(stack: Stack, inputs: Inputs, plan: Plan) -> list[dict[str, Any]]:
    before = {} if stack.inputs is None else stack.inputs.parameters
    causes = Causes(
        parameters=frozenset(
            name for name, item in inputs.parameters.items() if name in before and before[name].value != item.value
        ),
        replaced=frozenset(name for name, step in plan.steps.items() if step.action == "replace"),
        perhaps=frozenset(name for name, step in plan.steps.items() if step.perhaps),
    )
    found = []
    for name, step in sorted(plan.steps.items()):
        if step.action == "none" and not step.attributes:
            continue
        old, new = stack.resources.get(name), inputs.template.resources.get(name)
        removed = step.action == "remove"
        removal = "Delete" if old is None else old.deletion_policy if removed else old.update_replace_policy
        subject = Subject(
            logical_id=name,
            type=old.type if new is None and old is not None else inputs.template.resources[name].type,
            step=step,
            physical_id=None if old is None else old.physical_id,
            before=None if old is None else _before(stack, old, removed=removed),
            after=None if removed else plan.properties[name],
            expressions={} if new is None else new.properties,
            removal=removal,
        )
        found.append(change(subject, causes))
    return found


def _before(stack: Stack, old: Deployed, *, removed: bool) -> dict[str, Any]:
    """The properties of what is there; of what is removed those that come from other resources are not told."""
    written = None if stack.inputs is None else stack.inputs.template.resources.get(old.logical_id)
    if not removed or written is None:
        return old.properties
    return {
        name: UNKNOWN if references(written.properties.get(name)) & stack.resources.keys() else value
        for name, value in old.properties.items()
    }


def _perhaps(stack: Stack, inputs: Inputs, plan: Plan) -> list[dict[str, Any]]:
    """The resources that change if an attribute of another does: only who asks for no values is told of them."""
    moving = {name for name, step in plan.steps.items() if step.action == "update"}
    found = []
    for name, step in plan.steps.items():
        if step.action != "none" or step.attributes:
            continue
        resource = inputs.template.resources[name]
        causes = {
            prop: sorted(item for item in attribute_references(value) if item.split(".", 1)[0] in moving)
            for prop, value in resource.properties.items()
        }
        if any(causes.values()):
            moving.add(name)
            found.append(dynamic_change(name, resource.type, stack.resources[name].physical_id, causes))
    return found


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
    if stack.change_sets.get(item.name) is item:
        del stack.change_sets[item.name]
    return {}


@operation(_SERVICE, "ExecuteChangeSet")
def execute_change_set(call: Call, params: Params) -> dict[str, Any]:
    """Do what a change set says."""
    stack, item = locate(call, params)
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
        engine.start(stack, lambda target: imports.adopt(target, inputs, item.imported))
        return {}
    creates = stack.status == "REVIEW_IN_PROGRESS"
    stack.status = "CREATE_IN_PROGRESS" if creates else "UPDATE_IN_PROGRESS"
    stack.retire_change_sets(executed=item)
    engine.start(stack, lambda target: (engine.create if creates else engine.update)(target, inputs))
    return {}
