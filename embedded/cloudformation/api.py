"""The operations that create, change and delete stacks."""

from typing import Any

from embedded import traits
from embedded.cloudformation import changesets, engine, queries, template_queries
from embedded.cloudformation.errors import TemplateError
from embedded.cloudformation.inputs import SERVICE, find_stack, inputs_of, new_stack, refuse, require_idle
from embedded.cloudformation.stack import STORE
from embedded.operations import Call, Params, ServiceError, operation

__all__ = ["changesets", "queries", "template_queries"]

traits.describe(SERVICE, wholly_ours=True)


@operation(SERVICE, "CreateStack")
def create_stack(call: Call, params: Params) -> dict[str, Any]:
    """Create a stack; the answer comes at once, the work goes on."""
    with STORE.lock:
        existing = STORE.find(call.account, call.region, params["StackName"])
        if existing is not None:
            raise ServiceError("AlreadyExistsException", f"Stack [{params['StackName']}] already exists")
        inputs = inputs_of(call, params)
        stack = new_stack(call, params, "CREATE_IN_PROGRESS")
        STORE.add(stack)
    engine.start(stack, lambda item: engine.create(item, inputs))
    return {"StackId": stack.arn, "OperationId": stack.operation_id}


@operation(SERVICE, "UpdateStack")
def update_stack(call: Call, params: Params) -> dict[str, Any]:
    """Update a stack; one that would not change is refused in the words that clients look for."""
    stack = find_stack(call, params["StackName"])
    require_idle(stack, "updated")
    inputs = inputs_of(call, params, stack)
    try:
        if engine.plan(stack, inputs).is_empty:
            raise refuse("No updates are to be performed.")
    except TemplateError as error:
        raise refuse(str(error)) from None
    stack.status = "UPDATE_IN_PROGRESS"
    engine.start(stack, lambda item: engine.update(item, inputs))
    return {"StackId": stack.arn, "OperationId": stack.operation_id}


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
    if stack.inputs is None:
        STORE.forget(stack)
        return {}
    stack.status = "DELETE_IN_PROGRESS"
    keep = tuple(params.get("RetainResources", ()))
    engine.start(stack, lambda item: engine.delete(item, keep))
    return {}


@operation(SERVICE, "UpdateTerminationProtection")
def update_termination_protection(call: Call, params: Params) -> dict[str, Any]:
    """Protect a stack from deletion, or no longer."""
    stack = find_stack(call, params["StackName"])
    stack.termination_protection = params["EnableTerminationProtection"]
    return {"StackId": stack.arn}


@operation(SERVICE, "SetStackPolicy")
def set_stack_policy(call: Call, params: Params) -> dict[str, Any]:
    """Keep a stack policy; it is not enforced."""
    find_stack(call, params["StackName"]).policy = params.get("StackPolicyBody")
    return {}


@operation(SERVICE, "GetStackPolicy")
def get_stack_policy(call: Call, params: Params) -> dict[str, Any]:
    """The policy that was set."""
    return {"StackPolicyBody": find_stack(call, params["StackName"]).policy}


@operation(SERVICE, "RollbackStack")
def rollback_stack(call: Call, params: Params) -> dict[str, Any]:
    """Undo a creation or an update that failed and was left as it was."""
    stack = find_stack(call, params["StackName"])
    undo = stack.undo
    if undo is None or stack.status not in ("CREATE_FAILED", "UPDATE_FAILED"):
        raise refuse(f"Stack:{stack.arn} is in {stack.status} state and can not be rolled back.")
    stack.status = "ROLLBACK_IN_PROGRESS"
    engine.start(stack, undo)
    return {"StackId": stack.arn, "OperationId": stack.operation_id}


@operation(SERVICE, "ContinueUpdateRollback")
def continue_update_rollback(call: Call, params: Params) -> dict[str, Any]:
    """Declare a failed rollback done: the resources named are left as they are."""
    stack = find_stack(call, params["StackName"])
    if stack.status != "UPDATE_ROLLBACK_FAILED":
        raise refuse(f"Stack:{stack.arn} is in {stack.status} state and can not be continued.")
    stack.set_status("UPDATE_ROLLBACK_COMPLETE")
    return {}
