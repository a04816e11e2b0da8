"""The engine: creates, updates, rolls back and deletes stacks, one resource after the other in their order."""

import json
import logging
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from botocore.exceptions import ClientError

from embedded import clients
from embedded.bus.dropped import drop
from embedded.cloudformation.errors import NotEmulated, ResourceError, TemplateError
from embedded.cloudformation.history.events import Event, now
from embedded.cloudformation.operation import Operation, newest_first
from embedded.cloudformation.plan import Plan, make_plan
from embedded.cloudformation.stack import STORE, Inputs, Output, Stack, listener

log = logging.getLogger(__name__)
_notifications = ThreadPoolExecutor(max_workers=1, thread_name_prefix="stack-notifications")

_INITIATED = "User Initiated"
_ROLLBACK = "Rollback requested by user."


def start(stack: Stack, kind: str, work: Callable[[Stack], None]) -> str:
    """Run an operation in a thread of its own: the caller has its answer, the operation's id, and polls."""
    stack.begin(kind)
    started = stack.operation_id
    threading.Thread(target=_guarded, args=(stack, work), name=f"stack-{stack.name}", daemon=True).start()
    return started


def run(stack: Stack, kind: str, work: Callable[[Stack], None]) -> None:
    """Run an operation and wait for it: a nested stack's, inside that of its outer stack."""
    stack.begin(kind)
    _guarded(stack, work)


def _guarded(stack: Stack, work: Callable[[Stack], None]) -> None:
    try:
        work(stack)
    except Exception:
        # a defect of the engine must end the operation too, or clients poll for ever
        log.exception("the operation on stack %s failed inside the engine", stack.name)
        prefix = stack.status.split("_")[0]
        stack.set_status(f"{prefix}_FAILED", "Internal Failure: the embedded cloud's log has the traceback")


@listener
def _notify(stack: Stack, event: Event) -> None:
    """Tell the topics that the stack was given, in order and in the background."""
    for topic in () if stack.inputs is None else stack.inputs.notification_arns:
        _notifications.submit(_publish, stack, event, topic)


def _publish(stack: Stack, event: Event, topic: str) -> None:
    values = {
        "StackId": stack.arn,
        "Timestamp": event.timestamp.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "EventId": event.event_id,
        "LogicalResourceId": event.logical_id,
        "Namespace": stack.account,
        "PhysicalResourceId": event.physical_id,
        "ResourceProperties": "null" if event.properties is None else json.dumps(event.properties),
        "ResourceStatus": event.status,
        "ResourceStatusReason": "" if event.reason is None else event.reason,
        "ResourceType": event.type,
        "StackName": stack.name,
        "ClientRequestToken": "null" if event.token is None else event.token,
    }
    text = "".join(f"{name}='{value}'\n" for name, value in values.items())
    try:
        sns = clients.client("sns", stack.account, topic.split(":")[3])
        sns.publish(TopicArn=topic, Subject="AWS CloudFormation Notification", Message=text)
    except (ClientError, IndexError) as error:
        drop(source=stack.arn, target=topic, reason=str(error))


def create(stack: Stack, inputs: Inputs) -> None:
    """Create all resources; on a failure undo what was done, as the caller asked."""
    stack.inputs = inputs
    stack.set_status("CREATE_IN_PROGRESS", _INITIATED)
    operation = Operation(stack, inputs)
    try:
        for name in operation.prepare():
            operation.create(name)
        stack.outputs = operation.outputs()
    except (ResourceError, TemplateError) as error:
        reason = operation.failure(error, "create")
        if inputs.on_failure == "DO_NOTHING":
            stack.undo = roll_back_creation
            stack.set_status("CREATE_FAILED", f"{reason}. ")
            return
        stack.begin("ROLLBACK")
        _undo_creation(stack, inputs, operation, reason, lasting=_lasting(error))
        return
    stack.imports = operation.lookup.imports
    stack.set_status("CREATE_COMPLETE")


def _lasting(error: Exception) -> str | None:
    """What the stack still says after its rollback: what this cloud lacks, which AWS would have had."""
    return str(error) if isinstance(error, NotEmulated) else None


def _undo_creation(
    stack: Stack, inputs: Inputs, operation: Operation, reason: str, *, lasting: str | None = None
) -> None:
    deletes = inputs.on_failure == "DELETE"
    stack.deleted = now()
    stack.set_status(
        "DELETE_IN_PROGRESS" if deletes else "ROLLBACK_IN_PROGRESS",
        reason if reason == _ROLLBACK else f"{reason}. {_ROLLBACK}",
    )
    keep = {name for name, item in stack.resources.items() if item.deletion_policy == "Retain" and not deletes}
    failed = operation.delete_all(newest_first(stack.resources.values()), keep)
    if failed:
        status = "DELETE_FAILED" if deletes else "ROLLBACK_FAILED"
        stack.set_status(status, f"The following resource(s) failed to delete: [{', '.join(failed)}]. ")
        return
    stack.set_status("DELETE_COMPLETE" if deletes else "ROLLBACK_COMPLETE", lasting)


def roll_back_creation(stack: Stack) -> None:
    """Undo a creation that failed and was left as it was."""
    assert stack.inputs is not None
    stack.undo = None
    _undo_creation(stack, replace(stack.inputs, on_failure="ROLLBACK"), Operation(stack, stack.inputs), _ROLLBACK)


def update(stack: Stack, inputs: Inputs) -> None:
    """Bring the stack to its new template; on a failure bring it back to the old one."""
    before = stack.inputs
    assert before is not None
    resources, outputs, imports = dict(stack.resources), dict(stack.outputs), set(stack.imports)
    # who gives no capabilities leaves the stack those it has
    stack.inputs = inputs if inputs.capabilities else replace(inputs, capabilities=before.capabilities)
    stack.updated = now()
    stack.set_status("UPDATE_IN_PROGRESS", _INITIATED)
    operation = Operation(stack, inputs)
    try:
        order = operation.prepare()
        operation.check_removals()
        for name in order:
            operation.create_or_update(name)
        new_outputs = operation.outputs()
        _check_exports_kept(stack, new_outputs)
    except (ResourceError, TemplateError) as error:
        reason, lasting = f"{operation.failure(error, 'update')}. ", _lasting(error)

        def undo(target: Stack) -> None:
            target.set_status("UPDATE_ROLLBACK_IN_PROGRESS", reason)
            target.inputs = replace(before, token=inputs.token)
            problem = operation.roll_back(resources)
            target.outputs, target.imports, target.undo, target.policy_for_update = outputs, imports, None, None
            if problem is not None:
                target.set_status("UPDATE_ROLLBACK_FAILED", problem)
                return
            target.set_status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
            operation.delete_all(newest_first(operation.made), set(), retained_by="deletion")
            target.set_status("UPDATE_ROLLBACK_COMPLETE", lasting)

        if inputs.on_failure == "DO_NOTHING":
            stack.undo = undo
            stack.set_status("UPDATE_FAILED", reason)
        else:
            stack.begin("ROLLBACK")
            undo(stack)
        return
    stack.undo = stack.policy_for_update = None
    stack.outputs, stack.imports = new_outputs, operation.lookup.imports
    stack.set_status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    operation.clean_up(resources)
    stack.set_status("UPDATE_COMPLETE")


def delete(stack: Stack, keep: Iterable[str] = ()) -> None:
    """Delete all resources, last made first; what the template retains stays."""
    stack.deleted = now()
    stack.set_status("DELETE_IN_PROGRESS", _INITIATED)
    operation = Operation(stack, stack.inputs) if stack.inputs is not None else None
    failed: list[str] = []
    if operation is not None:
        retained = {
            name for name, item in stack.resources.items() if item.deletion_policy in ("Retain", "RetainExceptOnCreate")
        }
        failed = operation.delete_all(newest_first(stack.resources.values()), retained | set(keep))
    if failed:
        stack.set_status("DELETE_FAILED", f"The following resource(s) failed to delete: [{', '.join(failed)}]. ")
        return
    stack.imports = set()
    stack.set_status("DELETE_COMPLETE")


def plan(stack: Stack, inputs: Inputs) -> Plan:
    """What `inputs` would change."""
    return make_plan(stack, inputs)


def _check_exports_kept(stack: Stack, outputs: dict[str, Output]) -> None:
    """An export that another stack uses must neither go nor change."""
    kept = {output.export: output.value for output in outputs.values() if output.export is not None}
    for output in stack.outputs.values():
        if output.export is None or kept.get(output.export) == output.value:
            continue
        importers = STORE.importers(stack.account, stack.region, output.export)
        if importers:
            done = "deleted" if output.export not in kept else "updated"
            raise ResourceError(f"Export {output.export} cannot be {done} as it is in use by {', '.join(importers)}")
