"""Removing a whole project: what goes, what stays and why, and which data is lost."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from yard import upload
from yard.account.spending import project_stacks
from yard.aws import Aws
from yard.errors import UserError
from yard.runs.logs import LOG_GROUP


@dataclass(frozen=True, kw_only=True, slots=True)
class Fate:
    """What a removal does to one resource."""

    stack: str
    resource: str
    kind: str
    fate: str
    """`goes` or `stays`."""
    why: str


def fates(aws: Aws) -> Iterator[Fate]:
    """What a removal does to every bucket, key, repository, log group and notebook of the project's stacks, and what
    stays because it is in no stack."""
    client = aws.client("cloudformation")
    log_groups: Counter[str] = Counter()
    for stack in project_stacks(aws):
        body = client.get_template(StackName=stack)["TemplateBody"]
        resources = (body if isinstance(body, dict) else json.loads(body))["Resources"]
        names = _physical_names(client, stack)
        for logical_id, resource in resources.items():
            kind = resource["Type"]
            stays = str(resource.get("DeletionPolicy", "Delete")).startswith("Retain")
            if kind == "AWS::Logs::LogGroup":  # one per function and state machine: too many for a row each
                log_groups["stays" if stays else "goes"] += 1
            elif kind in _KEEPS_DATA:
                name = names.get(logical_id, logical_id)
                yield Fate(
                    stack=stack,
                    resource=name,
                    kind=kind,
                    fate="stays" if stays else "goes",
                    why=_RETAINED if stays else _content(aws, kind, name),
                )
    for fate, number in log_groups.items():
        why = "with the lines of functions, state machines and the network" if fate == "goes" else _RETAINED
        yield Fate(stack="", resource=_count(number, "log group"), kind="AWS::Logs::LogGroup", fate=fate, why=why)
    for name, kind, why in _IN_NO_STACK:
        yield Fate(stack="", resource=name, kind=kind, fate="stays", why=why)


_RETAINED = "its stack retains it (stage prod)"
_IN_NO_STACK = (
    ("CDKToolkit", "bootstrap stack", "other projects of the account may use it"),
    (LOG_GROUP, "log group", "SageMaker's own: it holds the logs of every training job of the account"),
    ("training jobs", "history", "SageMaker keeps their descriptions; they cost nothing"),
    ("registered models", "model package groups", "a job's first model creates them, not a stack; they cost nothing"),
)


_KEEPS_DATA = (
    "AWS::S3::Bucket",
    "AWS::KMS::Key",
    "AWS::ECR::Repository",
    "AWS::SageMaker::NotebookInstance",
    "AWS::SageMaker::ModelPackageGroup",
    "AWS::SecretsManager::Secret",
)


def _physical_names(client: Any, stack: str) -> dict[str, str]:
    pages = client.get_paginator("list_stack_resources").paginate(StackName=stack)
    return {
        one["LogicalResourceId"]: one.get("PhysicalResourceId", one["LogicalResourceId"])
        for page in pages
        for one in page["StackResourceSummaries"]
    }


def _content(aws: Aws, kind: str, name: str) -> str:
    if kind == "AWS::S3::Bucket":
        found = list(upload.objects(aws.client("s3"), name, ""))
        size = sum(one["Size"] for one in found)
        return f"with {_count(len(found), 'object')}, {size / 1e6:.1f} MB, and all their old versions"
    if kind == "AWS::ECR::Repository":
        pages = aws.client("ecr").get_paginator("list_images").paginate(repositoryName=name)
        return f"with {_count(sum(len(page['imageIds']) for page in pages), 'image')}"
    if kind == "AWS::KMS::Key":
        return "after a waiting period; what it encrypted is then unreadable for good"
    return "with all that is in it"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def stacks(aws: Aws) -> list[str]:
    """The stacks that a removal deletes."""
    return project_stacks(aws)


def destroy(aws: Aws) -> None:
    """Delete every stack with the CDK command, which knows their order."""
    context = ["-c", f"stage={aws.project.settings.stage}"]
    command = ["npx", "cdk", "destroy", "--all", "--force", *context]
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    quiet = {"JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": node.strip().lstrip("v").split(".")[0]}
    done = subprocess.run(command, cwd=aws.project.root, env=os.environ | quiet, stdout=sys.stderr, check=False)
    if done.returncode:
        raise UserError(
            f"`{' '.join(command)}` ended with exit code {done.returncode}.",
            "Its output above says which stack and why; correct that and run it again.",
        )
