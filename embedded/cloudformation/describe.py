"""What the API tells of stacks, resources and events."""

import json
from typing import Any

from embedded.cloudformation.changesets.changes import without_values
from embedded.cloudformation.stack import ChangeSet, Deployed, Event, Inputs, Output, Stack

_NOT_CHECKED = {"StackDriftStatus": "NOT_CHECKED"}


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def stack_dict(stack: Stack) -> dict[str, Any]:
    """A stack, in full; as on AWS most lists that would be empty are left out."""
    inputs = stack.inputs
    deleted = stack.status == "DELETE_COMPLETE"
    return _present(
        {
            "StackId": stack.arn,
            "StackName": stack.name,
            "ChangeSetId": None if deleted else stack.change_set_id,
            "StackStatus": stack.status,
            "StackStatusReason": stack.reason,
            "CreationTime": stack.created,
            "LastUpdatedTime": stack.updated,
            "DeletionTime": stack.deleted,
            "RollbackConfiguration": {} if inputs is None else dict(inputs.rollback),
            "Tags": [] if inputs is None else _tags(inputs),
            "NotificationARNs": [] if inputs is None else list(inputs.notification_arns),
            "DisableRollback": inputs is not None and inputs.on_failure == "DO_NOTHING",
            "EnableTerminationProtection": None if deleted else stack.termination_protection,
            "DriftInformation": _NOT_CHECKED,
            "ParentId": stack.parent,
            "RootId": stack.root,
            "Outputs": [_output(output) for output in stack.outputs.values()] or None,
            **({} if inputs is None else _given(inputs)),
        }
    )


def _given(inputs: Inputs) -> dict[str, Any]:
    return {
        "Description": inputs.template.description,
        "Parameters": [item.description() for item in inputs.parameters.values()] or None,
        "Capabilities": list(inputs.capabilities) or None,
        "RoleARN": inputs.role_arn,
        "TimeoutInMinutes": inputs.timeout_minutes,
    }


def _tags(inputs: Inputs) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in inputs.tags.items()]


def _output(output: Output) -> dict[str, str]:
    return _present(
        {
            "OutputKey": output.name,
            "OutputValue": output.value,
            "Description": output.description,
            "ExportName": output.export,
        }
    )


def change_set_summary(stack: Stack, item: ChangeSet) -> dict[str, Any]:
    """A change set, in short."""
    return _present(
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
            "IncludeNestedStacks": False,
        }
    )


def change_set_dict(stack: Stack, item: ChangeSet, *, values: bool) -> dict[str, Any]:
    """A change set and what it would do, with the properties' values if wanted."""
    inputs = item.inputs
    on_failure = None if inputs.on_failure == "ROLLBACK" else inputs.on_failure
    return change_set_summary(stack, item) | _present(
        {
            "StatusReason": item.warning if values and item.reason is None else item.reason,
            "Changes": item.changes if values else [without_values(change) for change in item.changes],
            "Parameters": [value.description() for value in inputs.parameters.values()] or None,
            "Capabilities": list(inputs.capabilities),
            "NotificationARNs": list(inputs.notification_arns),
            "RollbackConfiguration": dict(inputs.rollback),
            "Tags": _tags(inputs) or None,
            "OnStackFailure": on_failure,
        }
    )


def stack_summary(stack: Stack) -> dict[str, Any]:
    """A stack, in short."""
    full = stack_dict(stack)
    keys = (
        "StackId",
        "StackName",
        "StackStatus",
        "StackStatusReason",
        "CreationTime",
        "LastUpdatedTime",
        "DeletionTime",
    )
    return {key: full[key] for key in keys if key in full} | _present(
        {"TemplateDescription": full.get("Description"), "DriftInformation": _NOT_CHECKED, "ParentId": stack.parent}
    )


def resource_summary(item: Deployed) -> dict[str, Any]:
    """A resource, in short."""
    return _present(
        {
            "LogicalResourceId": item.logical_id,
            "PhysicalResourceId": item.physical_id,
            "ResourceType": item.type,
            "ResourceStatus": item.status,
            "ResourceStatusReason": item.reason,
            "LastUpdatedTimestamp": item.timestamp,
            "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
        }
    )


def resource_dict(stack: Stack, item: Deployed) -> dict[str, Any]:
    """A resource with its stack."""
    summary = resource_summary(item)
    summary["Timestamp"] = summary.pop("LastUpdatedTimestamp")
    return summary | {"StackId": stack.arn, "StackName": stack.name}


def event_dict(stack: Stack, event: Event) -> dict[str, Any]:
    """A line of history."""
    return _present(
        {
            "StackId": stack.arn,
            "StackName": stack.name,
            "EventId": event.event_id,
            "OperationId": event.operation_id,
            "LogicalResourceId": event.logical_id,
            "PhysicalResourceId": event.physical_id,
            "ResourceType": event.type,
            "Timestamp": event.timestamp,
            "ResourceStatus": event.status,
            "ResourceStatusReason": event.reason,
            "ResourceProperties": None if event.properties is None else json.dumps(event.properties),
            "ClientRequestToken": event.token,
        }
    )


def operation_event_dict(stack: Stack, event: Event) -> dict[str, Any]:
    """A line of history, as DescribeEvents tells it."""
    return event_dict(stack, event) | {"EventType": "STACK_EVENT"}
