"""The operations that create, change and delete stacks."""

from typing import Any

from embedded import traits
from embedded.cloudformation import engine, nested, policies, queries, template_queries
from embedded.cloudformation.changesets import operations as changesets
from embedded.cloudformation.errors import TemplateError
from embedded.cloudformation.inputs import SERVICE, find_stack, inputs_of, new_stack, read_url, refuse, require_idle
from embedded.cloudformation.stack import STORE, Stack
from embedded.operations import Call, Params, ServiceError, operation

__all__ = ["changesets", "nested", "queries", "template_queries"]

traits.describe(SERVICE, wholly_ours=True)


@operation(SERVICE, "CreateStack")
def create_stack(call: Call, params: Params) -> dict[str, Any]:
    """Create a stack; the answer comes at once, the work goes on."""
    with STORE.lock:
        stack = STORE.find(call.account, call.region, params["StackName"])
        if stack is not None and stack.status != "REVIEW_IN_PROGRESS":
            raise ServiceError("AlreadyExistsException", f"Stack [{params['StackName']}] already exists")
        inputs, policy = inputs_of(call, params), _policy(call, params, "StackPolicy")
        if stack is None:
            stack = new_stack(call, params, "CREATE_IN_PROGRESS")
            STORE.add(stack)
        stack.status, stack.policy = "CREATE_IN_PROGRESS", policy
        stack.retire_change_sets()
    started = engine.start(stack, "CREATE_STACK", lambda item: engine.create(item, inputs))
    return {"StackId": stack.arn, "OperationId": started}


@operation(SERVICE, "UpdateStack")
def update_stack(call: Call, params: Params) -> dict[str, Any]:
    """Update a stack; one that would not change is refused in the words that clients look for."""
    stack = find_stack(call, params["StackName"])
    require_idle(stack, "updated")
    inputs = inputs_of(call, params, stack)
    policy = _policy(call, params, "StackPolicy")
    for_update = _policy(call, params, "StackPolicyDuringUpdate")
    try:
        if inputs.failure is None and engine.plan(stack, inputs).is_empty:
            raise refuse("No updates are to be performed.")
    except TemplateError as error:
        raise refuse(str(error)) from None
    stack.status, stack.policy_for_update = "UPDATE_IN_PROGRESS", for_update
    stack.retire_change_sets()

    def work(target: Stack) -> None:
        engine.update(target, inputs)
        # a new policy does not stand in the way of the update that brings it
        if policy is not None and target.status == "UPDATE_COMPLETE":
            target.policy = policy

    return {"StackId": stack.arn, "OperationId": engine.start(stack, "UPDATE_STACK", work)}


@operation(SERVICE, "DeleteStack")
def delete_stack(call: Call, params: Params) -> dict[str, Any]:
    """Delete a stack; one that does not exist is no error."""
    stack = STORE.find(call.account, call.region, params["StackName"])
    if stack is None or stack.status == "DELETE_COMPLETE":
        return {}
    if stack.termination_protection:
        raise refuse(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
    if stack.in_progress:
        raise refuse(f"Stack:{stack.arn} is in {stack.status} state and can not be deleted.")
    for output in stack.outputs.values():
        users = STORE.importers(stack.account, stack.region, output.export) if output.export else []
        if users:
            # as on AWS: the call is taken, and the stack stays as it was
            reason = f"Delete canceled. Cannot delete export {output.export} as it is in use by {', '.join(users)}."
            before = stack.status
            stack.set_status("DELETE_IN_PROGRESS", "User Initiated")
            stack.set_status(before, reason)
            return {}
    for change_set in stack.change_sets.values():
        nested.let_go(stack, change_set)
    stack.status = "DELETE_IN_PROGRESS"
    stack.retire_change_sets()
    keep = tuple(params.get("RetainResources", ()))
    engine.start(stack, "DELETE_STACK", lambda item: engine.delete(item, keep))
    return {}


@operation(SERVICE, "UpdateTerminationProtection")
def update_termination_protection(call: Call, params: Params) -> dict[str, Any]:
    """Protect a stack from deletion, or no longer."""
    stack = find_stack(call, params["StackName"])
    stack.termination_protection = params["EnableTerminationProtection"]
    return {"StackId": stack.arn}


@operation(SERVICE, "SetStackPolicy")
def set_stack_policy(call: Call, params: Params) -> dict[str, Any]:
    """Set a stack policy: from now on no update may do what it forbids."""
    stack = find_stack(call, params["StackName"])
    stack.policy = _policy(call, params, "StackPolicy")
    return {}


def _policy(call: Call, params: Params, prefix: str) -> str | None:
    """The policy that a call gives, in itself or by URL."""
    body, url = params.get(f"{prefix}Body"), params.get(f"{prefix}URL")
    if body is not None and url is not None:
        raise refuse(f"You cannot specify both {prefix}URL and {prefix}Body")
    text = read_url(call, url, "S3 error: the policy's URL is not a supported URL") if url is not None else body
    if text is None:
        return None
    try:
        policies.read(text)
    except TemplateError as error:
        raise refuse(str(error)) from None
    return str(text)


@operation(SERVICE, "GetStackPolicy")
def get_stack_policy(call: Call, params: Params) -> dict[str, Any]:
    """The policy that was set, or the one that stands in its place during an update."""
    stack = find_stack(call, params["StackName"])
    text = stack.policy if stack.policy_for_update is None else stack.policy_for_update
    return {} if text is None else {"StackPolicyBody": text}


@operation(SERVICE, "RollbackStack")
def rollback_stack(call: Call, params: Params) -> dict[str, Any]:
    """Undo a creation or an update that failed and was left as it was."""
    stack = find_stack(call, params["StackName"])
    undo = stack.undo
    if undo is None or stack.status not in ("CREATE_FAILED", "UPDATE_FAILED"):
        raise refuse(f"Stack:{stack.arn} is in {stack.status} state and can not be rolled back.")
    stack.status = "ROLLBACK_IN_PROGRESS"
    return {"StackId": stack.arn, "OperationId": engine.start(stack, "ROLLBACK", undo)}


@operation(SERVICE, "ContinueUpdateRollback")
def continue_update_rollback(call: Call, params: Params) -> dict[str, Any]:
    """Declare a failed rollback done: the resources named are left as they are."""
    stack = find_stack(call, params["StackName"])
    if stack.status != "UPDATE_ROLLBACK_FAILED":
        raise refuse(f"Stack:{stack.arn} is in {stack.status} state and can not be continued.")
    stack.begin("CONTINUE_ROLLBACK")
    stack.set_status("UPDATE_ROLLBACK_COMPLETE")
    return {}
