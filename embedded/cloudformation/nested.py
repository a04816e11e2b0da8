"""AWS::CloudFormation::Stack: a stack that is a resource of another."""

from typing import Any

from embedded.cloudformation import engine
from embedded.cloudformation.context import Context
from embedded.cloudformation.errors import ResourceError
from embedded.cloudformation.inputs import inputs_of, new_stack
from embedded.cloudformation.providers.base import Made, Props, Provider, provider
from embedded.cloudformation.stack import STORE, ChangeSet, Inputs, Stack
from embedded.operations import Call


@provider
class NestedStack(Provider):
    """`AWS::CloudFormation::Stack`: created, updated and deleted with the stack that it is nested in."""

    type = "AWS::CloudFormation::Stack"
    looks_inside = True

    def create(self, props: Props, ctx: Context) -> Made:
        """Create the stack and wait for it; a failure leaves it to the outer stack's rollback."""
        call, outer = _call(ctx), _outer(ctx)
        reviewed = None if outer.executing is None else outer.executing.nested.get(ctx.logical_id)
        stack = None if reviewed is None else STORE.find(ctx.account, ctx.region, reviewed)
        name = ctx.name(128) if stack is None else stack.name
        inputs = inputs_of(call, given(props, ctx, outer.inputs, name))
        if stack is None:
            stack = inside(new_stack(call, {"StackName": name}, "CREATE_IN_PROGRESS"), outer)
            STORE.add(stack)
        _carry_out(stack, outer)
        ctx.begin(stack.arn)
        engine.run(stack, "CREATE_STACK", lambda target: engine.create(target, inputs))
        if stack.status != "CREATE_COMPLETE":
            raise ResourceError(f"Embedded stack {stack.arn} was not successfully created: {stack.reason}")
        return _made(stack)

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Update the stack and wait for it; one that would not change is left alone."""
        stack, outer = _stack(physical_id, ctx), _outer(ctx)
        inputs = inputs_of(_call(ctx), given(new, ctx, outer.inputs, stack.name, on_failure="ROLLBACK"), stack)
        if not engine.plan(stack, inputs).is_empty:
            _carry_out(stack, outer)
            engine.run(stack, "UPDATE_STACK", lambda target: engine.update(target, inputs))
            if stack.status != "UPDATE_COMPLETE":
                raise ResourceError(f"Embedded stack {stack.arn} was not successfully updated: {_first_failure(stack)}")
        return _made(stack)

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Delete the stack and wait for it."""
        stack = STORE.find(ctx.account, ctx.region, physical_id)
        if stack is None or stack.status == "DELETE_COMPLETE":
            return
        engine.run(stack, "DELETE_STACK", engine.delete)
        if stack.status != "DELETE_COMPLETE":
            raise ResourceError(f"Embedded stack {stack.arn} was not successfully deleted: {stack.reason}")

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """What the stack was last given."""
        stack = STORE.find(ctx.account, ctx.region, physical_id)
        if stack is None or stack.inputs is None or stack.status == "DELETE_COMPLETE":
            return None
        inputs = stack.inputs
        return {
            "TemplateURL": props.get("TemplateURL"),
            "Parameters": {name: item.given for name, item in inputs.parameters.items()},
            "Tags": [{"Key": key, "Value": value} for key, value in inputs.tags.items()],
            "NotificationARNs": list(inputs.notification_arns),
            "TimeoutInMinutes": inputs.timeout_minutes,
        }


def _call(ctx: Context) -> Call:
    principal = f"arn:{ctx.partition}:iam::{ctx.account}:root" if ctx.role_arn is None else ctx.role_arn
    return Call(account=ctx.account, region=ctx.region, principal=principal)


def _stack(physical_id: str, ctx: Context) -> Stack:
    stack = STORE.find(ctx.account, ctx.region, physical_id)
    if stack is None:
        raise ResourceError(f"Stack with id {physical_id} does not exist")
    return stack


def _outer(ctx: Context) -> Stack:
    return _stack(ctx.stack_arn, ctx)


def inside(stack: Stack, outer: Stack) -> Stack:
    """The same stack, knowing what it is nested in."""
    stack.parent, stack.root = outer.arn, outer.arn if outer.root is None else outer.root
    return stack


def _carry_out(stack: Stack, outer: Stack) -> None:
    """Begin the nested part of a change set where the outer stack carries one out; any other is past now."""
    executing = outer.executing
    own = [item for item in stack.change_sets.values() if executing is not None and item.parent == executing.arn]
    stack.retire_change_sets(executed=own[0] if own else None)


def discard(stack: Stack, item: ChangeSet) -> None:
    """Throw a change set away, with those of nested stacks."""
    del stack.change_sets[item.name]
    let_go(stack, item)


def let_go(stack: Stack, item: ChangeSet) -> None:
    """Throw away what a change set made for nested stacks: their change sets, and stacks still under review."""
    for arn in item.nested.values():
        inner = STORE.find(stack.account, stack.region, arn)
        if inner is None:
            continue
        for own in [one for one in inner.change_sets.values() if one.parent == item.arn]:
            discard(inner, own)
        if inner.status == "REVIEW_IN_PROGRESS":
            engine.run(inner, "DELETE_STACK", engine.delete)


def given(
    props: Props, ctx: Context, inherited: Inputs | None, name: str, *, on_failure: str = "DO_NOTHING"
) -> dict[str, Any]:
    """The parameters of CreateStack for the resource's properties; what it lacks it has from the outer stack."""
    values = props.get("Parameters", {})
    found: dict[str, Any] = {
        "StackName": name,
        "TemplateURL": props.get("TemplateURL"),
        "Parameters": [{"ParameterKey": key, "ParameterValue": _text(value)} for key, value in values.items()],
        "Capabilities": [] if inherited is None else list(inherited.capabilities),
        "OnFailure": on_failure,
        "Tags": props.get("Tags", []),
    }
    if ctx.role_arn is not None:
        found["RoleARN"] = ctx.role_arn
    if "NotificationARNs" in props:
        found["NotificationARNs"] = props["NotificationARNs"]
    if "TimeoutInMinutes" in props:
        found["TimeoutInMinutes"] = int(props["TimeoutInMinutes"])
    return found


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(_text, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _made(stack: Stack) -> Made:
    outputs = {f"Outputs.{output.name}": output.value for output in stack.outputs.values()}
    return Made(physical_id=stack.arn, attributes=outputs)


def _first_failure(stack: Stack) -> str:
    """Why an update was rolled back: the reason is an event's, the status has lost it."""
    reasons = (event.reason for event in reversed(stack.events) if event.status == "UPDATE_ROLLBACK_IN_PROGRESS")
    return next((reason for reason in reasons if reason), str(stack.reason))
