"""The project's stacks: those that are deployed, those that its app has, and what is left over between the two."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from yard.account import cdk
from yard.aws import Aws
from yard.errors import UserError
from yard.project import Project


@dataclass(frozen=True, kw_only=True, slots=True)
class DeployedStack:
    """A deployed stack of the project and stage."""

    name: str
    arn: str
    status: str
    is_protected: bool
    """Whether termination protection refuses to delete it."""


def deployed_stacks(aws: Aws) -> tuple[DeployedStack, ...]:
    """Every deployed stack that carries the project's and stage's tags, by name.

    By tags, not by how names begin: those of the project `vision-dev` begin as those of `vision`, stage dev, do.
    """
    settings = aws.project.settings
    ours = {("project", settings.project), ("stage", settings.stage)}
    pages = aws.client("cloudformation").get_paginator("describe_stacks").paginate()
    found = [
        _of(stack)
        for page in pages
        for stack in page["Stacks"]
        # a nested stack goes and comes with the one that it is nested in
        if "ParentId" not in stack and ours <= {(tag["Key"], tag["Value"]) for tag in stack.get("Tags", ())}
    ]
    return tuple(sorted(found, key=lambda stack: stack.name))


def _of(stack: Mapping[str, Any]) -> DeployedStack:
    return DeployedStack(
        name=stack["StackName"],
        arn=stack["StackId"],
        status=stack["StackStatus"],
        is_protected=bool(stack.get("EnableTerminationProtection")),
    )


def leftover_stacks(aws: Aws) -> tuple[DeployedStack, ...]:
    """The deployed stacks of the project and stage that its app no longer has; they stay and bill until removed."""
    found = deployed_stacks(aws)
    if not found:
        return ()
    defined = app_stacks(aws.project)
    return tuple(stack for stack in found if stack.name not in defined)


def app_stacks(project: Project) -> frozenset[str]:
    """The names of the stacks that the project's app has for this stage, as the CDK command lists them."""
    with tempfile.TemporaryDirectory(prefix="yard-stacks-") as folder:
        # a folder of its own: the command refuses while another one reads the project's cdk.out
        listed = cdk.run(project, "list", "--long", "--json", "--output", folder)
    if listed.returncode:
        last = [line for line in listed.stderr.splitlines() if line.strip()][-1:]
        raise UserError(
            f"The app could not be asked for its stacks: {''.join(last) or f'exit code {listed.returncode}'}",
            "See what is wrong with it: npx cdk list",
        )
    return frozenset(str(stack["name"]) for stack in json.loads(listed.stdout))
