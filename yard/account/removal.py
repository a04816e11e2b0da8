"""Removing a whole project: what goes, what stays and why, and which data is lost."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from yard.account.stacks import DeployedStack
from yard.aws import Aws
from yard.runs.logs import LOG_GROUP
from yard.transfer import upload


@dataclass(frozen=True, kw_only=True, slots=True)
class Fate:
    """What a removal does to one resource."""

    stack: str
    resource: str
    kind: str
    fate: str
    """`goes` or `stays`."""
    why: str


def fates(aws: Aws, stacks: Iterable[DeployedStack]) -> Iterator[Fate]:
    """What a removal does to every bucket, key, repository, log group and notebook of these stacks, and what stays
    because it is in no stack."""
    client = aws.client("cloudformation")
    log_groups: Counter[str] = Counter()
    for stack in (one.name for one in stacks):
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
