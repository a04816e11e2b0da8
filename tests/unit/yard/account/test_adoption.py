"""What an earlier deployment retained is found by tags, names and the buckets' encryption."""

from types import SimpleNamespace
from typing import Any

import pytest

from shardyard.spec.settings.settings import Settings
from yard.account import adoption
from yard.errors import UserError

STACK = "vision-prod-storage"
KEEPS = {"DeletionPolicy": "RetainExceptOnCreate"}
TEMPLATE: dict[str, Any] = {
    "Resources": {
        "StorageLogs7A5B": {"Type": "AWS::S3::Bucket", **KEEPS},
        "StorageData1C2D": {"Type": "AWS::S3::Bucket", **KEEPS},
        "StorageKey9E8F": {"Type": "AWS::KMS::Key", **KEEPS},
        "Emptier": {"Type": "AWS::Lambda::Function", **KEEPS},
        "Scratch": {"Type": "AWS::S3::Bucket"},
    }
}
LOGS, DATA = "vision-prod-storage-storagelogs7a5b-abc123", "vision-prod-storage-storagedata1c2d-def456"


class Account:
    """An account with buckets; those of another stage and of nobody have other tags."""

    region = "us-east-1"

    def __init__(self, *buckets: str) -> None:
        self.project = SimpleNamespace(settings=Settings(project="vision", stage="prod"))
        self.buckets = dict.fromkeys(buckets, "prod")
        self.deployed: list[dict[str, Any]] = []

    def client(self, _: str) -> "Account":
        return self

    def get_paginator(self, _: str) -> Any:
        return SimpleNamespace(paginate=lambda: [{"Stacks": self.deployed}])

    def list_buckets(self) -> dict[str, Any]:
        return {"Buckets": [{"Name": name} for name in self.buckets]}

    def get_bucket_tagging(self, *, Bucket: str) -> dict[str, Any]:
        tags = {"project": "vision", "stage": self.buckets[Bucket]}
        return {"TagSet": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def get_bucket_location(self, *, Bucket: str) -> dict[str, Any]:
        return {"LocationConstraint": None}

    def get_bucket_encryption(self, *, Bucket: str) -> dict[str, Any]:
        key = {"KMSMasterKeyID": "arn:aws:kms:us-east-1:123456789012:key/1234"} if Bucket == DATA else {}
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", **key}}
        return {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}


def found(account: Any) -> dict[str, str]:
    return {one.logical_id: one.physical_id for one in adoption.adoptable(account, {STACK: TEMPLATE})}


def test_buckets_are_found_by_tags_and_names_and_the_key_by_what_it_encrypts() -> None:
    account = Account(LOGS, DATA, "vision-prod-storage-scratch-ghi789")
    assert found(account) == {"StorageLogs7A5B": LOGS, "StorageData1C2D": DATA, "StorageKey9E8F": "1234"}


def test_nothing_is_adopted_into_a_stack_that_is_deployed() -> None:
    account = Account(LOGS, DATA)
    tags = [{"Key": "project", "Value": "vision"}, {"Key": "stage", "Value": "prod"}]
    account.deployed = [{"StackName": STACK, "StackId": "arn", "StackStatus": "CREATE_COMPLETE", "Tags": tags}]
    assert found(account) == {}


def test_where_nothing_is_retained_there_is_nothing_to_adopt() -> None:
    account = Account(DATA)
    account.buckets[DATA] = "dev"
    assert found(account) == {}


def test_half_of_what_was_retained_is_refused() -> None:
    with pytest.raises(UserError, match="not everything is there: StorageLogs7A5B cannot be found"):
        found(Account(DATA))


def test_two_generations_are_refused() -> None:
    with pytest.raises(UserError, match="Several retained buckets could be StorageData1C2D"):
        found(Account(LOGS, DATA, DATA.replace("def456", "xyz987")))


@pytest.mark.parametrize(
    ("bucket", "is_named"),
    [
        (DATA, True),
        ("vision-prod-stora-storagedata1c-def456", True),  # CloudFormation shortens both
        ("vision-prod-storage-storage-def456", True),  # of which the longest could be either bucket's
        ("vision-prod-storage-stor-def456", False),
        ("vision-prod-storage-other-def456", False),
        ("vision-dev-storage-storagedata1c2d-def456", False),
        ("storagedata1c2d", False),
    ],
)
def test_a_generated_name_says_whose_it_is(bucket: str, is_named: bool) -> None:
    assert adoption._is_named_after(bucket, STACK, "StorageData1C2D") is is_named
