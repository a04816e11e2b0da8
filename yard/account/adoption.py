"""Taking what an earlier deployment retained into a new one by CloudFormation's import: buckets, key, repositories."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from yard.account.moves import Templates
from yard.account.stacks import deployed_stacks
from yard.aws import Aws
from yard.errors import UserError

_CHANGE_SET = "yard-adopt"
_IDENTIFIERS = {
    "AWS::S3::Bucket": "BucketName",
    "AWS::KMS::Key": "KeyId",
    "AWS::ECR::Repository": "RepositoryName",
}
_LEAST_LETTERS = 6
"""Of a logical id, for a bucket's generated name to be told from another's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Adopted:
    """A resource that is there, and that a stack of the app would make anew."""

    stack: str
    logical_id: str
    type: str
    physical_id: str

    @property
    def to_import(self) -> dict[str, Any]:
        """How CreateChangeSet is told of it."""
        return {
            "ResourceType": self.type,
            "LogicalResourceId": self.logical_id,
            "ResourceIdentifier": {_IDENTIFIERS[self.type]: self.physical_id},
        }


def adoptable(aws: Aws, wanted: Templates) -> list[Adopted]:
    """What is retained and belongs into a stack of the app that is not deployed; all of a stack's, or an error."""
    deployed = {stack.name for stack in deployed_stacks(aws)}
    found: list[Adopted] = []
    for stack, template in wanted.items():
        if stack in deployed:
            continue
        kept = {name: one for name, one in template.get("Resources", {}).items() if _is_kept(one)}
        there = {name: _find(aws, stack, name, one) for name, one in kept.items() if one["Type"] != "AWS::KMS::Key"}
        there |= {name: _key_of(aws, there, kept) for name, one in kept.items() if one["Type"] == "AWS::KMS::Key"}
        missing = sorted(name for name, physical_id in there.items() if physical_id is None)
        if missing and len(missing) < len(there):
            raise UserError(
                f"Of what {stack} retained not everything is there: {', '.join(missing)} cannot be found.",
                "Delete what is left by hand if you no longer need it, or bring back what is missing.",
            )
        found += [
            Adopted(stack=stack, logical_id=name, type=kept[name]["Type"], physical_id=physical_id)
            for name, physical_id in there.items()
            if physical_id is not None
        ]
    return found


def _is_kept(resource: Mapping[str, Any]) -> bool:
    return resource["Type"] in _IDENTIFIERS and str(resource.get("DeletionPolicy", "Delete")).startswith("Retain")


def _find(aws: Aws, stack: str, logical_id: str, resource: Mapping[str, Any]) -> str | None:
    if resource["Type"] == "AWS::ECR::Repository":
        return _repository(aws, resource["Properties"]["RepositoryName"])
    names = [name for name in _own_buckets(aws) if _is_named_after(name, stack, logical_id)]
    if len(names) > 1:
        raise UserError(
            f"Several retained buckets could be {logical_id} of {stack}: {', '.join(names)}.",
            "Keep one of them: empty and delete the others, or take their tags `project` and `stage` off.",
        )
    return names[0] if names else None


def _repository(aws: Aws, name: str) -> str | None:
    client = aws.client("ecr")
    try:
        client.describe_repositories(repositoryNames=[name])
    except client.exceptions.RepositoryNotFoundException:
        return None
    return name


def _own_buckets(aws: Aws) -> Iterator[str]:
    """The buckets of this region with the project's and stage's tags."""
    from botocore.exceptions import ClientError

    s3, settings = aws.client("s3"), aws.project.settings
    ours = {("project", settings.project), ("stage", settings.stage)}
    prefix = f"{settings.project}-{settings.stage}-"
    for bucket in s3.list_buckets()["Buckets"]:
        if not bucket["Name"].startswith(prefix[: len(prefix) // 2]):
            continue  # not one of our names, however much CloudFormation has shortened it
        try:
            tags = s3.get_bucket_tagging(Bucket=bucket["Name"])["TagSet"]
        except ClientError:  # it has none, or is somebody else's
            continue
        place = s3.get_bucket_location(Bucket=bucket["Name"]).get("LocationConstraint") or "us-east-1"
        if place == aws.region and ours <= {(tag["Key"], tag["Value"]) for tag in tags}:
            yield str(bucket["Name"])


def _is_named_after(bucket: str, stack: str, logical_id: str) -> bool:
    """CloudFormation makes `stack-logicalid-random`, and shortens the first two as it must."""
    stem = bucket.rpartition("-")[0]
    for place, letter in enumerate(stem):
        first, second = stem[:place], stem[place + 1 :]
        if letter == "-" and stack.startswith(first) and logical_id.lower().startswith(second):
            return len(second) >= min(_LEAST_LETTERS, len(logical_id))
    return False


def _key_of(aws: Aws, there: Mapping[str, str | None], kept: Mapping[str, Any]) -> str | None:
    """The key that the stack's retained buckets are encrypted with."""
    for name, physical_id in there.items():
        if kept[name]["Type"] == "AWS::S3::Bucket" and physical_id is not None:
            answer = aws.client("s3").get_bucket_encryption(Bucket=physical_id)
            rule = answer["ServerSideEncryptionConfiguration"]["Rules"][0]["ApplyServerSideEncryptionByDefault"]
            if "KMSMasterKeyID" in rule:
                return str(rule["KMSMasterKeyID"]).rpartition("/")[2]
    return None


def adopt(aws: Aws, stack: str, template: Mapping[str, Any], things: list[Adopted]) -> None:
    """Make the stack of what is there; the next deploy adds the rest of its template."""
    from botocore.exceptions import WaiterError

    names = {one.logical_id for one in things}
    # no outputs and nothing else of the template: an import makes nothing
    kept = {key: template[key] for key in ("Conditions", "Mappings", "Parameters") if key in template}
    kept["Resources"] = {name: one for name, one in template["Resources"].items() if name in names}
    client = aws.client("cloudformation")
    client.create_change_set(
        StackName=stack,
        ChangeSetName=_CHANGE_SET,
        ChangeSetType="IMPORT",
        TemplateBody=json.dumps(kept),
        ResourcesToImport=[one.to_import for one in things],
        Tags=[{"Key": key, "Value": value} for key, value in aws.project.settings.all_tags.items()],
    )
    often = {"Delay": 2, "MaxAttempts": 300}
    try:
        client.get_waiter("change_set_create_complete").wait(
            StackName=stack, ChangeSetName=_CHANGE_SET, WaiterConfig=often
        )
        client.execute_change_set(StackName=stack, ChangeSetName=_CHANGE_SET)
        client.get_waiter("stack_import_complete").wait(StackName=stack, WaiterConfig=often)
    except WaiterError as error:
        last = error.last_response
        why = last.get("StatusReason") or last.get("Stacks", [{}])[0].get("StackStatusReason", "")
        raise UserError(
            f"What {stack} retained could not be imported: {why or error}",
            f"The stack's events say more. Then delete it, and run it again: aws cloudformation delete-stack "
            f"--stack-name {stack}",
        ) from None
