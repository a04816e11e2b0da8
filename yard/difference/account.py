"""What the account has: the project's stacks as they are deployed, and what only the account knows."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from yard.aws import Aws
from yard.difference.report import ResourceChange
from yard.difference.resources import Schema
from yard.difference.sides import Side, Stack, as_stored
from yard.errors import NotDeployedError, UserError
from yard.runs import runs
from yard.transfer import upload
from yard.tuning import searches

_NOT_THERE = frozenset({"DELETE_COMPLETE", "REVIEW_IN_PROGRESS"})


def deployed(aws: Aws, names: Iterable[str], tags: Mapping[str, str]) -> tuple[Side, list[Stack]]:
    """The deployed stacks: those of these names and those left over, and then the latter alone."""
    wanted, client = set(names), aws.client("cloudformation")
    found: list[Stack] = []
    for description in _descriptions(client):
        if description["StackName"] in wanted or _is_ours(description, tags):
            found.append(_stack(client, description))
    left = [stack for stack in found if stack.name not in wanted]
    return Side(found), left


def _descriptions(client: Any) -> Iterator[Mapping[str, Any]]:
    for page in client.get_paginator("describe_stacks").paginate():
        for stack in page["Stacks"]:
            if stack["StackStatus"] not in _NOT_THERE and "ParentId" not in stack:
                yield stack


def _is_ours(description: Mapping[str, Any], tags: Mapping[str, str]) -> bool:
    """Whether a stack carries the project's tags: a name that begins alike may be another project's."""
    found = {tag["Key"]: tag["Value"] for tag in description.get("Tags", ())}
    return bool(tags) and all(found.get(key) == value for key, value in tags.items())


def _stack(client: Any, description: Mapping[str, Any]) -> Stack:
    name = description["StackName"]
    body = client.get_template(StackName=name)["TemplateBody"]
    try:
        template = body if isinstance(body, dict) else json.loads(body)
    except ValueError:
        raise UserError(
            f"The template of {name} is not JSON, so no CDK app of this project deployed it.",
            "Remove the stack, or give it other tags than the project's.",
        ) from None
    pages = client.get_paginator("list_stack_resources").paginate(StackName=name)
    return Stack(
        name=name,
        template=as_stored(template),
        parameters={
            one["ParameterKey"]: one["ParameterValue"]
            for one in description.get("Parameters", ())
            if one.get("ParameterValue")
        },
        physical={
            one["LogicalResourceId"]: one["PhysicalResourceId"]
            for page in pages
            for one in page["StackResourceSummaries"]
            if "PhysicalResourceId" in one
        },
    )


class Registry:
    """CloudFormation's registry, asked once for each type; what it does not answer is noted."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._known: dict[str, Schema] = {}
        self.unknown: list[str] = []

    def __call__(self, type_name: str) -> Schema:
        """The schema of a type; for one without, no property makes another resource."""
        if type_name not in self._known:
            self._known[type_name] = self._ask(type_name) if type_name.startswith("AWS::") else Schema()
        return self._known[type_name]

    def _ask(self, type_name: str) -> Schema:
        from botocore.exceptions import ClientError

        try:
            answer = self._aws.client("cloudformation").describe_type(Type="RESOURCE", TypeName=type_name)
        except ClientError:
            self.unknown.append(type_name)
            return Schema()
        schema = json.loads(answer["Schema"])
        return Schema(
            create_only=_paths(schema.get("createOnlyProperties", ())),
            conditionally_create_only=_paths(schema.get("conditionalCreateOnlyProperties", ())),
        )


def _paths(pointers: Iterable[str]) -> tuple[str, ...]:
    return tuple(pointer.removeprefix("/properties/") for pointer in pointers)


def contents(aws: Aws, change: ResourceChange) -> str:
    """The data that lies in a resource, in words."""
    name = str(change.physical)
    if change.type == "AWS::S3::Bucket":
        found = list(upload.objects(aws.client("s3"), name, ""))
        return f"{_count(len(found), 'object')}, {sum(one['Size'] for one in found) / 1e6:.1f} MB" if found else ""
    if change.type == "AWS::ECR::Repository":
        pages = aws.client("ecr").get_paginator("list_images").paginate(repositoryName=name)
        number = sum(len(page["imageIds"]) for page in pages)
        return _count(number, "image") if number else ""
    return _HOLDS.get(change.type, "")


_HOLDS: Mapping[str, str] = {
    "AWS::DynamoDB::Table": "its items",
    "AWS::KMS::Key": "what it encrypted becomes unreadable after a waiting period",
    "AWS::Logs::LogGroup": "its log lines",
    "AWS::SQS::Queue": "its messages",
    "AWS::SageMaker::ModelPackageGroup": "its registered models",
    "AWS::SageMaker::NotebookInstance": "its disk",
    "AWS::SecretsManager::Secret": "its value",
}
"""Kinds that hold data which is not counted."""


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def running(aws: Aws, jobs: Iterable[str]) -> dict[str, int]:
    """The runs in progress of each job that has any."""
    return _in_progress(jobs, lambda job: runs.executions(aws, job))


def searching(aws: Aws, jobs: Iterable[str]) -> dict[str, int]:
    """The searches in progress of each job that has any."""
    return _in_progress(jobs, lambda job: searches.executions(aws, job))


def _in_progress(jobs: Iterable[str], executions: Callable[[str], Iterable[runs.Run]]) -> dict[str, int]:
    found = {}
    for job in jobs:
        try:
            number = sum(run.status == "RUNNING" for run in executions(job))
        except NotDeployedError:
            continue
        if number:
            found[job] = number
    return found
