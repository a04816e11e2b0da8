"""What the API tells of stacks, resources and events."""

import json
from typing import Any

from embedded.cloudformation.history.events import Event
from embedded.cloudformation.stack import Deployed, Inputs, Output, Stack
from embedded.cloudformation.templates.order import hashed

_NOT_CHECKED = {"StackDriftStatus": "NOT_CHECKED"}


def present(values: dict[str, Any]) -> dict[str, Any]:
    """Without what is None: as on AWS an answer leaves it out."""
    return {key: value for key, value in values.items() if value is not None}


def stack_dict(stack: Stack) -> dict[str, Any]:
    """A stack, in full; as on AWS most lists that would be empty are left out."""
    inputs = stack.inputs
    deleted = stack.status == "DELETE_COMPLETE"
    return present(
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
            "Tags": [] if inputs is None else tags_of(inputs),
            "NotificationARNs": [] if inputs is None else list(inputs.notification_arns),
            "DisableRollback": inputs is not None and inputs.on_failure == "DO_NOTHING",
            "EnableTerminationProtection": None if deleted else stack.termination_protection,
            "DriftInformation": _NOT_CHECKED,
            "ParentId": stack.parent,
            "RootId": stack.root,
            "LastOperations": _operations(stack),
            "Outputs": [_output(output) for output in stack.outputs.values()] or None,
            **({} if inputs is None else _given(inputs)),
        }
    )


def _operations(stack: Stack) -> list[dict[str, str]] | None:
    return [{"OperationType": item.type, "OperationId": item.operation_id} for item in stack.operations] or None


def _given(inputs: Inputs) -> dict[str, Any]:
    return {
        "Description": inputs.template.description,
        "Parameters": parameters_of(inputs) or None,
        "Capabilities": list(inputs.capabilities) or None,
        "RoleARN": inputs.role_arn,
        "TimeoutInMinutes": inputs.timeout_minutes,
    }


def parameters_of(inputs: Inputs) -> list[dict[str, str]]:
    """The parameters with their values."""
    return [inputs.parameters[name].description() for name in hashed(inputs.parameters)]


def tags_of(inputs: Inputs) -> list[dict[str, str]]:
    """The stack's tags."""
    return [{"Key": key, "Value": value} for key, value in inputs.tags.items()]


def _output(output: Output) -> dict[str, str]:
    return present(
        {
            "OutputKey": output.name,
            "OutputValue": output.value,
            "Description": output.description,
            "ExportName": output.export,
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
        "LastOperations",
    )
    return {key: full[key] for key in keys if key in full} | present(
        {"TemplateDescription": full.get("Description"), "DriftInformation": _NOT_CHECKED, "ParentId": stack.parent}
    )


def resource_summary(item: Deployed) -> dict[str, Any]:
    """A resource, in short."""
    return present(
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
    return present(
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
