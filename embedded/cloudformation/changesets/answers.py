"""What the API tells of change sets."""

from typing import Any

from embedded.cloudformation.changesets.changes import without_values
from embedded.cloudformation.describe import parameters_of, present, tags_of
from embedded.cloudformation.stack import ChangeSet, Stack


def change_set_summary(stack: Stack, item: ChangeSet) -> dict[str, Any]:
    """A change set, in short."""
    return present(
        {
            "ChangeSetName": item.name,
            "ChangeSetId": item.arn,
            "StackId": stack.arn,
            "StackName": stack.name,
            "Description": item.description,
            "CreationTime": item.created,
            "ExecutionStatus": item.execution_status,
            "Status": item.status,
            "StatusReason": item.reason,
            "IncludeNestedStacks": item.include_nested,
            "ParentChangeSetId": item.parent,
            "RootChangeSetId": item.root,
        }
    )


def change_set_dict(stack: Stack, item: ChangeSet, *, values: bool) -> dict[str, Any]:
    """A change set and what it would do, with the properties' values if wanted."""
    inputs = item.inputs
    on_failure = None if inputs.on_failure == "ROLLBACK" else inputs.on_failure
    return change_set_summary(stack, item) | present(
        {
            "StatusReason": item.warning if values and item.reason is None else item.reason,
            "Changes": item.changes if values else [*map(without_values, item.changes), *item.perhaps],
            "Parameters": parameters_of(inputs) or None,
            "Capabilities": list(inputs.capabilities),
            "NotificationARNs": list(inputs.notification_arns),
            "RollbackConfiguration": dict(inputs.rollback),
            "Tags": tags_of(inputs) or None,
            "OnStackFailure": on_failure,
        }
    )
