"""SageMaker's resources by table carry their tags through AddTags, ListTags and DeleteTags."""

import boto3
import pytest
from botocore.stub import Stubber

from embedded import clients, loading
from embedded.cloudformation.context import Context
from embedded.cloudformation.providers import find

TYPE = "AWS::SageMaker::ModelPackageGroup"
ARN = "arn:aws:sagemaker:us-east-1:123456789012:model-package-group/a"
CONTEXT = Context(
    account="123456789012",
    region="us-east-1",
    partition="aws",
    stack_name="s",
    stack_arn="arn",
    logical_id="Group",
    type=TYPE,
)


@pytest.fixture
def sagemaker(monkeypatch: pytest.MonkeyPatch) -> Stubber:
    """SageMaker with one model package group: answers only what it is told to expect, in that order."""
    loading.load()
    client = boto3.client("sagemaker", "us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    monkeypatch.setattr(clients, "client", lambda *_: client)
    stub = Stubber(client)
    stub.activate()
    return stub


def describe(stub: Stubber) -> None:
    group = {"ModelPackageGroupName": "a", "ModelPackageGroupArn": ARN, "CreationTime": 0, "CreatedBy": {}}
    answer = group | {"ModelPackageGroupStatus": "Completed"}
    stub.add_response("describe_model_package_group", answer, {"ModelPackageGroupName": "a"})


def test_tags_are_read_back_without_those_of_aws(sagemaker: Stubber) -> None:
    describe(sagemaker)
    describe(sagemaker)
    tags = [{"Key": "team", "Value": "vision"}, {"Key": "aws:cloudformation:stack-name", "Value": "s"}]
    sagemaker.add_response("list_tags", {"Tags": tags}, {"ResourceArn": ARN})
    found = find(TYPE).read(ARN, {"ModelPackageGroupName": "a", "Tags": tags[:1]}, CONTEXT)
    assert found is not None and found["Tags"] == tags[:1]
    sagemaker.assert_no_pending_responses()


def test_an_update_writes_only_the_tags_that_change(sagemaker: Stubber) -> None:
    speech = [{"Key": "team", "Value": "speech"}]
    describe(sagemaker)
    sagemaker.add_response("add_tags", {}, {"ResourceArn": ARN, "Tags": speech})
    describe(sagemaker)
    sagemaker.add_response("delete_tags", {}, {"ResourceArn": ARN, "TagKeys": ["old"]})
    describe(sagemaker)
    old = [{"Key": "team", "Value": "vision"}, {"Key": "old", "Value": "1"}]
    group = {"ModelPackageGroupName": "a"}
    find(TYPE).update(ARN, {**group, "Tags": old}, {**group, "Tags": speech}, CONTEXT)
    sagemaker.assert_no_pending_responses()
