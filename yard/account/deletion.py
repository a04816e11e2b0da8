"""Deleting stacks through CloudFormation itself: those that use an export go before the one that has it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from yard.account.stacks import DeployedStack
from yard.aws import Aws
from yard.errors import UserError

_LOOK_SECONDS = 3
_LONGEST_SECONDS = 2 * 3600


def delete(aws: Aws, stacks: Sequence[DeployedStack], *, tell: Callable[[str], None]) -> None:
    """Delete the stacks, as many at once as their exports allow; the first that cannot be deleted ends it.

    Without a role of its own each deletion runs in the role that the stack was deployed with.
    """
    client = aws.client("cloudformation")
    for together in in_order(stacks, users_of_exports(aws)):
        for stack in together:
            client.delete_stack(StackName=stack.arn)
        for stack in together:
            _wait(client, stack)
            tell(f"{stack.name} is deleted.")


def refuse_what_cannot_go(aws: Aws, stacks: Iterable[DeployedStack]) -> None:
    """Say before anything is deleted what CloudFormation would refuse in the middle of it."""
    chosen = list(stacks)
    protected = [stack.name for stack in chosen if stack.is_protected]
    if protected:
        raise UserError(
            f"Termination protection refuses to delete: {', '.join(protected)}.",
            "Take it off each of them, and run it again: aws cloudformation update-termination-protection "
            "--no-enable-termination-protection --stack-name NAME",
        )
    names = {stack.name for stack in chosen}
    for owner, users in users_of_exports(aws).items():
        others = sorted(users - names)
        if owner in names and others:
            raise UserError(
                f"{', '.join(others)} would stay and uses what {owner} exports, so {owner} cannot be deleted.",
                f"Delete that first: aws cloudformation delete-stack --stack-name {others[0]}",
            )


def users_of_exports(aws: Aws) -> Mapping[str, set[str]]:
    """For each stack of the account and region that exports something: the names of the stacks that use it."""
    from botocore.exceptions import ClientError

    client = aws.client("cloudformation")
    users: dict[str, set[str]] = {}
    for page in client.get_paginator("list_exports").paginate():
        for export in page["Exports"]:
            owner = export["ExportingStackId"].split("/")[1]
            try:
                pages = client.get_paginator("list_imports").paginate(ExportName=export["Name"])
                found = {name for one in pages for name in one["Imports"]}
            except ClientError as error:
                if "is not imported by any stack" not in str(error):
                    raise
                found = set()
            users.setdefault(owner, set()).update(found)
    return users


def in_order(stacks: Sequence[DeployedStack], users: Mapping[str, set[str]]) -> list[list[DeployedStack]]:
    """The stacks in groups: each group may be deleted at once when those before it are gone."""
    left = list(stacks)
    groups = []
    while left:
        names = {stack.name for stack in left}
        free = [stack for stack in left if not users.get(stack.name, set()) & names - {stack.name}]
        if not free:  # two stacks that use each other: CloudFormation says what it thinks of that
            free = left
        groups.append(free)
        left = [stack for stack in left if stack not in free]
    return groups


def _wait(client: Any, stack: DeployedStack) -> None:
    from botocore.exceptions import WaiterError

    patience = {"Delay": _LOOK_SECONDS, "MaxAttempts": _LONGEST_SECONDS // _LOOK_SECONDS}
    try:
        client.get_waiter("stack_delete_complete").wait(StackName=stack.arn, WaiterConfig=patience)
    except WaiterError:
        raise UserError(
            f"{stack.name} could not be deleted: {_why(client, stack)}", "Correct that, and run it again."
        ) from None


def _why(client: Any, stack: DeployedStack) -> str:
    """The newest failures of the stack's resources, or the stack's own word."""
    events = client.describe_stack_events(StackName=stack.arn)["StackEvents"]
    reasons = []
    for event in events:
        of_the_stack = event["PhysicalResourceId"] == stack.arn
        if of_the_stack and event["ResourceStatus"] == "DELETE_IN_PROGRESS":
            break
        if not of_the_stack and event["ResourceStatus"].endswith("FAILED"):
            reasons.append(f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}")
    return "; ".join(reasons) or f"its status is {events[0]['ResourceStatus']}"
