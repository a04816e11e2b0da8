"""How a change set is made: the plan of its stack, and with it those of the stacks that are nested in that one."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from embedded.cloudformation import engine, nested
from embedded.cloudformation.changesets.changes import Causes, Subject, change, dynamic_change
from embedded.cloudformation.context import Context
from embedded.cloudformation.errors import TemplateError
from embedded.cloudformation.inputs import inputs_of, new_stack
from embedded.cloudformation.plan import Plan
from embedded.cloudformation.stack import STORE, ChangeSet, Deployed, Inputs, Stack
from embedded.cloudformation.templates.intrinsics import UNKNOWN, attribute_references, references
from embedded.cloudformation.templates.template import undeployable
from embedded.operations import Call, ServiceError

NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."
_FROM_ROOT = "Only executable from the root change set."


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What CreateChangeSet asks for besides the stack's inputs."""

    name: str
    kind: str
    """CREATE, UPDATE or IMPORT."""

    include_nested: bool = False
    description: str | None = None
    parent: ChangeSet | None = None
    """The change set of the stack that this one's stack is nested in."""


def make(call: Call, asked: Asked, stack: Stack, inputs: Inputs) -> ChangeSet:
    """Work out what would change, and keep it with the stack."""
    parent = asked.parent
    change_set = ChangeSet(
        name=asked.name,
        arn=f"arn:{stack.partition}:cloudformation:{call.region}:{call.account}:changeSet/{asked.name}/{uuid.uuid4()}",
        kind=asked.kind,
        inputs=inputs,
        status="CREATE_COMPLETE",
        execution_status="AVAILABLE",
        description=asked.description,
        include_nested=asked.include_nested,
        parent=None if parent is None else parent.arn,
        root=None if parent is None else parent.arn if parent.root is None else parent.root,
    )
    stack.change_sets[asked.name] = change_set
    try:
        if inputs.failure is not None:
            raise TemplateError(inputs.failure)
        plan = engine.plan(stack, inputs)
    except TemplateError as error:
        _fail(change_set, str(error))
        return change_set
    change_set.changes = _changes(stack, inputs, plan)
    unchanged = _look_inside(call, change_set, stack, plan) if asked.include_nested else frozenset()
    change_set.perhaps = _perhaps(stack, inputs, plan, unchanged)
    _judge(change_set, plan, empty=plan.is_empty_but_for(unchanged))
    return change_set


def _judge(change_set: ChangeSet, plan: Plan, *, empty: bool) -> None:
    """Whether it can be executed, and the words for why not."""
    if change_set.status == "FAILED":
        return
    if empty and change_set.kind == "UPDATE":
        _fail(change_set, NO_CHANGES)
        return
    if plan.doubts:
        resource, reason = next(iter(plan.doubts.items()))
        change_set.warning = (
            "[WARN] --include-property-values option can return incomplete ChangeSet data because: ChangeSet creation "
            f"failed for resource [{resource}] because: {reason}"
        )
    if change_set.parent is not None:
        change_set.execution_status, change_set.reason = "UNAVAILABLE", _FROM_ROOT


def _fail(change_set: ChangeSet, reason: str) -> None:
    change_set.status, change_set.execution_status, change_set.reason = "FAILED", "UNAVAILABLE", reason


def _look_inside(call: Call, change_set: ChangeSet, stack: Stack, plan: Plan) -> frozenset[str]:
    """Make a change set for each nested stack; the answer names those that would not change."""
    unchanged = set()
    for name, step in plan.steps.items():
        if step.action == "remove" or change_set.inputs.template.resources[name].type != nested.NestedStack.type:
            continue
        inner = _inside(call, change_set, stack, name, plan.properties[name], anew=step.action in ("create", "replace"))
        if inner.reason == NO_CHANGES and step.automatic:
            unchanged.add(name)
        elif inner.status == "FAILED" and inner.reason != NO_CHANGES and change_set.status != "FAILED":
            _fail(change_set, f"Nested change set {inner.arn} was not successfully created: Currently in FAILED.")
        for told in change_set.changes:
            resource = told["ResourceChange"]
            if resource["LogicalResourceId"] == name:
                resource |= {"ChangeSetId": inner.arn, "PhysicalResourceId": change_set.nested[name]}
    change_set.changes = [
        told for told in change_set.changes if told["ResourceChange"]["LogicalResourceId"] not in unchanged
    ]
    return frozenset(unchanged)


def _inside(
    call: Call, change_set: ChangeSet, stack: Stack, name: str, properties: Mapping[str, Any], *, anew: bool
) -> ChangeSet:
    """The change set of one nested stack; a stack that is not there yet begins to exist, under review."""
    ctx = Context(
        account=stack.account,
        region=stack.region,
        partition=stack.partition,
        stack_name=stack.name,
        stack_arn=stack.arn,
        logical_id=name,
        type=nested.NestedStack.type,
        role_arn=change_set.inputs.role_arn,
    )
    inner = None if anew else STORE.find(stack.account, stack.region, stack.resources[name].physical_id)
    if inner is None:
        anew = True
        inner = nested.inside(new_stack(call, {"StackName": ctx.name(128)}, "REVIEW_IN_PROGRESS"), stack)
        inner.add_event(inner.name, inner.arn, nested.NestedStack.type, "REVIEW_IN_PROGRESS", "User Initiated")
        STORE.add(inner)
    change_set.nested[name] = inner.arn
    given = nested.given(dict(properties), ctx, change_set.inputs, inner.name)
    try:
        inputs = inputs_of(call, given, inner, change_set=True)
    except ServiceError as error:
        inputs = Inputs(template=undeployable("{}"), parameters={}, tags={}, failure=error.message)
    asked = Asked(
        name=replace(ctx, stack_name=change_set.name).name(128),
        kind="CREATE" if anew else "UPDATE",
        include_nested=True,
        parent=change_set,
    )
    return make(call, asked, inner, inputs)


def _changes(stack: Stack, inputs: Inputs, plan: Plan) -> list[dict[str, Any]]:
    before = {} if stack.inputs is None else stack.inputs.parameters
    causes = Causes(
        parameters=frozenset(name for name, item in inputs.parameters.items() if item.changes(before.get(name))),
        replaced=frozenset(name for name, step in plan.steps.items() if step.action == "replace"),
        perhaps=frozenset(name for name, step in plan.steps.items() if step.perhaps),
    )
    found = []
    # as AWS lists them: of two names that begin alike the longer one first
    for name, step in sorted(plan.steps.items(), key=lambda item: f"{item[0]}_"):
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
            metadata=None if new is None else new.metadata,
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


def _perhaps(stack: Stack, inputs: Inputs, plan: Plan, unchanged: frozenset[str]) -> list[dict[str, Any]]:
    """The resources that change if an attribute of another does: only who asks for no values is told of them."""
    moving = {name for name, step in plan.steps.items() if step.action == "update"} - unchanged
    found = []
    for name, step in plan.steps.items():
        if name in unchanged or step.action != "none" or step.attributes:
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
