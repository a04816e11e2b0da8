"""Updates arrive at the service: what verify finds after them is what the template says, there and back."""

from typing import Any

import pytest

from embedded.verify import table, verify
from tests.cloud.conftest import ACCOUNT, REGION, Cloud
from tests.support.cloud.stacks_api import StackUnderTest, Template, of


def resource(type_: str, **properties: Any) -> Template:
    return {"Type": type_, "Properties": properties}


STATEMENT = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "Action": "kms:*",
    "Resource": "*",
}
NET = {"Ref": "Net"}
MADE = {
    "Key": resource("AWS::KMS::Key", KeyPolicy={"Version": "2012-10-17", "Statement": [STATEMENT]}),
    "Net": resource("AWS::EC2::VPC", CidrBlock="10.0.0.0/16"),
    "Subnet": resource("AWS::EC2::Subnet", VpcId=NET, CidrBlock="10.0.0.0/24"),
    "One": resource("AWS::EC2::RouteTable", VpcId=NET),
    "Two": resource("AWS::EC2::RouteTable", VpcId=NET),
}
GIT = {"RepositoryUrl": "https://github.com/a/b.git"}
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:x-abcdef"
SUBNET = {"Ref": "Subnet"}
CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "a log group's key": (
        "AWS::Logs::LogGroup",
        {"LogGroupName": "/updated", "RetentionInDays": 7},
        {"LogGroupName": "/updated", "RetentionInDays": 30, "KmsKeyId": {"Fn::GetAtt": ["Key", "Arn"]}},
    ),
    "a subnet's routes": (
        "AWS::EC2::SubnetRouteTableAssociation",
        {"SubnetId": SUBNET, "RouteTableId": {"Ref": "One"}},
        {"SubnetId": SUBNET, "RouteTableId": {"Ref": "Two"}},
    ),
    "a repository's secret": (
        "AWS::SageMaker::CodeRepository",
        {"CodeRepositoryName": "updated", "GitConfig": GIT},
        {"CodeRepositoryName": "updated", "GitConfig": {**GIT, "SecretArn": SECRET}},
    ),
}


@pytest.mark.parametrize(("kind", "first", "second"), CASES.values(), ids=CASES)
def test_there_and_back(cloud: Cloud, kind: str, first: dict[str, Any], second: dict[str, Any]) -> None:
    stack = StackUnderTest(cloud)
    assert stack.create(of(**MADE, It=resource(kind, **first))) == "CREATE_COMPLETE"
    for properties in (second, first):
        assert stack.update(of(**MADE, It=resource(kind, **properties))) == "UPDATE_COMPLETE", stack.history()
        found = verify(cloud.state, stack=stack.name)
        assert all(item.is_right for item in found), table(found)
    assert stack.delete() == "DELETE_COMPLETE"


def test_what_cannot_be_changed_rolls_back_and_can_be_deleted(cloud: Cloud) -> None:
    stack = StackUnderTest(cloud)
    group = {"ModelPackageGroupName": "updated", "ModelPackageGroupDescription": "d"}
    assert stack.create(of(It=resource("AWS::SageMaker::ModelPackageGroup", **group))) == "CREATE_COMPLETE"
    policy = {"Version": "2012-10-17", "Statement": []}
    changed = resource("AWS::SageMaker::ModelPackageGroup", **group, ModelPackageGroupPolicy=policy)
    assert stack.update(of(It=changed)) == "UPDATE_ROLLBACK_COMPLETE"
    reasons = [why for name, status, why in stack.history() if (name, status) == ("It", "UPDATE_FAILED")]
    assert reasons[0] == "the embedded cloud cannot update AWS::SageMaker::ModelPackageGroup in place"
    assert all(item.is_right for item in verify(cloud.state, stack=stack.name))
    assert stack.delete() == "DELETE_COMPLETE"
    assert (
        cloud.client("sagemaker").list_model_package_groups(NameContains="updated")["ModelPackageGroupSummaryList"]
        == []
    )
