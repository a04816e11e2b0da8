"""Pairs of templates, and what a deploy of the one over the other would change."""

import json
from collections.abc import Mapping
from typing import Any

from yard.difference.compare import compare
from yard.difference.report import Difference
from yard.difference.resources import Schema
from yard.difference.sides import Side, Stack

SCHEMAS = {
    "AWS::S3::Bucket": Schema(create_only=("BucketName",)),
    "AWS::SageMaker::NotebookInstance": Schema(create_only=("NotebookInstanceName", "SubnetId", "KmsKeyId")),
    "AWS::EC2::VPC": Schema(create_only=("CidrBlock",)),
    "AWS::EC2::Subnet": Schema(create_only=("VpcId", "CidrBlock")),
    "AWS::Budgets::Budget": Schema(create_only=("Budget/BudgetName",)),
    "AWS::RDS::DBInstance": Schema(conditionally_create_only=("Engine",)),
    "AWS::StepFunctions::StateMachine": Schema(create_only=("StateMachineName",)),
}
PARTITION = {"Ref": "AWS::Partition"}


def registry(name: str) -> Schema:
    return SCHEMAS.get(name, Schema())


def machine(name: str, **definition: Any) -> dict[str, Any]:
    """A job's state machine."""
    job = {"name": name, "image": {"folder": "pytorch"}, **definition}
    states = {"Preflight": {"Parameters": {"Payload": {"definition": job, "project_cap_usd": 500.0}}}}
    return {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {"StateMachineName": name, "DefinitionString": json.dumps({"States": states})},
    }


def policy(*statements: tuple[str, Any, Any]) -> dict[str, Any]:
    given = [{"Effect": effect, "Action": action, "Resource": on} for effect, action, on in statements]
    return {"Version": "2012-10-17", "Statement": given}


def role(*statements: tuple[str, Any, Any]) -> dict[str, Any]:
    return {"Type": "AWS::IAM::Role", "Properties": {"Policies": [{"PolicyDocument": policy(*statements)}]}}


def bucket(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::S3::Bucket", "Properties": properties}


def stack(name: str, resources: Mapping[str, Any], **sections: Any) -> Stack:
    return Stack(
        name=name,
        template={"Resources": resources, **sections},
        physical={logical_id: f"real-{logical_id.lower()}" for logical_id in resources},
    )


def compared(before: list[Stack], after: list[Stack], **facts: Any) -> Difference:
    return compare(Side(before), Side(after), registry=registry, region="us-east-1", **facts)


def only(before: Mapping[str, Any], after: Mapping[str, Any], **facts: Any) -> Difference:
    """One stack with other resources."""
    return compared([stack("one", before)], [stack("one", after)], **facts)
