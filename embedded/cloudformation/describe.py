"""What the API tells of stacks, resources and events."""

from typing import Any

from embedded.cloudformation.stack import Deployed, Event, Stack

_NOT_CHECKED = {"StackDriftStatus": "NOT_CHECKED"}


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def stack_dict(stack: Stack) -> dict[str, Any]:
    """A stack, in full."""
    inputs = stack.inputs
    return _present(
        {
            "StackId": stack.arn,
            "StackName": stack.name,
            "StackStatus": stack.status,
            "StackStatusReason": stack.reason,
            "CreationTime": stack.created,
            "LastUpdatedTime": stack.updated,
            "DeletionTime": stack.deleted,
            "Description": None if inputs is None else inputs.template.description,
            "Parameters": [] if inputs is None else [item.description() for item in inputs.parameters.values()],
            "Capabilities": [] if inputs is None else list(inputs.capabilities),
            "Tags": [] if inputs is None else [{"Key": key, "Value": value} for key, value in inputs.tags.items()],
            "NotificationARNs": [] if inputs is None else list(inputs.notification_arns),
            "RoleARN": None if inputs is None else inputs.role_arn,
            "DisableRollback": inputs is not None and inputs.on_failure == "DO_NOTHING",
            "EnableTerminationProtection": stack.termination_protection,
            "DriftInformation": _NOT_CHECKED,
            "Outputs": [
                _present(
                    {
                        "OutputKey": output.name,
                        "OutputValue": output.value,
                        "Description": output.description,
                        "ExportName": output.export,
                    }
                )
                for output in stack.outputs.values()
            ],
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
    return {key: full[key] for key in keys if key in full} | {
        "TemplateDescription": full.get("Description"),
        "DriftInformation": _NOT_CHECKED,
    }


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
            "ClientRequestToken": event.token,
        }
    )


def operation_event_dict(stack: Stack, event: Event) -> dict[str, Any]:
    """A line of history, as DescribeEvents tells it."""
    kind = "STACK_EVENT"
    return event_dict(stack, event) | {"EventType": kind}
