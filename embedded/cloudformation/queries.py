"""The operations that tell of stacks, their resources, their history and their exports."""

import json
from collections.abc import Iterator
from typing import Any

from embedded import inventory
from embedded.cloudformation.describe import (
    event_dict,
    operation_event_dict,
    resource_dict,
    resource_summary,
    stack_dict,
    stack_summary,
)
from embedded.cloudformation.inputs import SERVICE, find_stack, refuse
from embedded.cloudformation.stack import STORE, Deployed, Stack
from embedded.operations import Call, Params, operation

_LONG_POLL_SECONDS = 8.0
"""How long DescribeStacks waits for a running operation to end: the CDK CLI asks only every five seconds."""


@operation(SERVICE, "DescribeStacks")
def describe_stacks(call: Call, params: Params) -> dict[str, Any]:
    """Describe one stack, or all that are not deleted."""
    if params.get("StackName"):
        stack = find_stack(call, params["StackName"])
        stack.wait(_LONG_POLL_SECONDS)
        return {"Stacks": [stack_dict(stack)]}
    stacks = STORE.all(call.account, call.region)
    return {"Stacks": [stack_dict(stack) for stack in stacks if stack.status != "DELETE_COMPLETE"]}


@inventory.kind("stacks")
def _names(account: str, region: str) -> Iterator[str]:
    yield from (stack.name for stack in STORE.all(account, region) if stack.status != "DELETE_COMPLETE")


@operation(SERVICE, "ListStacks")
def list_stacks(call: Call, params: Params) -> dict[str, Any]:
    """List stacks, the deleted ones too, by status."""
    wanted = params.get("StackStatusFilter")
    stacks = STORE.all(call.account, call.region)
    return {"StackSummaries": [stack_summary(stack) for stack in stacks if not wanted or stack.status in wanted]}


@operation(SERVICE, "DescribeStackEvents")
def describe_stack_events(call: Call, params: Params) -> dict[str, Any]:
    """A stack's history, newest first."""
    stack = STORE.find(call.account, call.region, params["StackName"])
    if stack is None:
        raise refuse(f"Stack [{params['StackName']}] does not exist")
    return {"StackEvents": [event_dict(stack, event) for event in reversed(stack.events)]}


@operation(SERVICE, "DescribeEvents")
def describe_events(call: Call, params: Params) -> dict[str, Any]:
    """The history of one operation or of a stack, newest first."""
    name = params.get("StackName")
    stacks = [find_stack(call, name)] if name else list(STORE.all(call.account, call.region))
    wanted = params.get("OperationId")
    failed_only = str(params.get("Filters", {}).get("FailedEvents", "false")).lower() == "true"
    found = [
        operation_event_dict(stack, event)
        for stack in stacks
        for event in reversed(stack.events)
        if (wanted is None or event.operation_id == wanted) and (not failed_only or event.status.endswith("_FAILED"))
    ]
    return {"OperationEvents": found}


@operation(SERVICE, "DescribeStackResources")
def describe_stack_resources(call: Call, params: Params) -> dict[str, Any]:
    """The resources of a stack, or of the stack that has a physical id."""
    if params.get("StackName"):
        stack = find_stack(call, params["StackName"])
    else:
        wanted = params.get("PhysicalResourceId")
        owners = (
            item
            for item in STORE.all(call.account, call.region)
            if any(resource.physical_id == wanted for resource in item.resources.values())
        )
        found = next(owners, None)
        if found is None:
            raise refuse(f"Stack for {wanted} does not exist")
        stack = found
    logical = params.get("LogicalResourceId")
    resources = [item for item in _resources(stack) if logical is None or item.logical_id == logical]
    return {"StackResources": [resource_dict(stack, item) for item in resources]}


def _resources(stack: Stack) -> list[Deployed]:
    """A stack's resources, in the order in which AWS lists them."""
    return sorted(stack.resources.values(), key=lambda item: item.logical_id)


@operation(SERVICE, "DescribeStackResource")
def describe_stack_resource(call: Call, params: Params) -> dict[str, Any]:
    """One resource of a stack."""
    stack = STORE.find(call.account, call.region, params["StackName"])
    if stack is None:
        raise refuse(f"Stack '{params['StackName']}' does not exist")
    item = stack.resources.get(params["LogicalResourceId"])
    if item is None:
        raise refuse(f"Resource {params['LogicalResourceId']} does not exist for stack {params['StackName']}")
    detail = resource_dict(stack, item)
    detail["LastUpdatedTimestamp"] = detail.pop("Timestamp")
    detail["Metadata"] = json.dumps({} if item.metadata is None else item.metadata)
    return {"StackResourceDetail": detail}


@operation(SERVICE, "ListStackResources")
def list_stack_resources(call: Call, params: Params) -> dict[str, Any]:
    """The resources of a stack, in short."""
    stack = find_stack(call, params["StackName"])
    return {"StackResourceSummaries": [resource_summary(item) for item in _resources(stack)]}


@operation(SERVICE, "ListExports")
def list_exports(call: Call, params: Params) -> dict[str, Any]:
    """Every exported output."""
    found = STORE.exports(call.account, call.region)
    return {
        "Exports": [
            {"ExportingStackId": stack.arn, "Name": name, "Value": output.value}
            for name, (stack, output) in sorted(found.items())
        ]
    }


@operation(SERVICE, "ListImports")
def list_imports(call: Call, params: Params) -> dict[str, Any]:
    """The stacks that use an export."""
    users = STORE.importers(call.account, call.region, params["ExportName"])
    if not users:
        raise refuse(f"Export '{params['ExportName']}' is not imported by any stack.")
    return {"Imports": users}
