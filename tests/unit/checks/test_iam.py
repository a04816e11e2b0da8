"""A statement that AWS would take and that allows nothing is refused, and so is one with a word that IAM lacks."""

from typing import Any

import pytest

from checks.iam import authorization, reference
from checks.iam.filled import Policy, Unknown, policies
from checks.rules.model import Assembly, Resource

JOB = "arn:aws:sagemaker:us-east-1:123456789012:training-job/tiny-*"
SUBNET = "arn:aws:ec2:us-east-1:123456789012:subnet/subnet-1"
BUCKET = "arn:aws:s3:::data"


def said(*statements: dict[str, Any], holder: str = "PolicyDocument") -> list[str]:
    resource = Resource(stack="stack", logical_id="Policy", type="AWS::IAM::ManagedPolicy", properties={})
    allowed = tuple({"Effect": "Allow", **one} for one in statements)
    policy = Policy(resource=resource, holder=holder, statements=allowed)
    return [line.removeprefix(f"stack/Policy {holder}: ") for line in authorization.problems(policy)]


GOOD = [
    {"Action": "sagemaker:CreateTrainingJob", "Resource": JOB},
    {"Action": ["s3:GetObject", "s3:ListBucket"], "Resource": [BUCKET, f"{BUCKET}/*"]},
    {"Action": "sagemaker:ListTrainingJobs", "Resource": "*"},
    {"Action": "s3:ListBucket", "Resource": BUCKET, "Condition": {"StringLike": {"s3:prefix": "a/*"}}},
    {"Action": "iam:PassRole", "Resource": "arn:aws:iam::123456789012:role/jobs/x"},
    {"Action": "ec2:DeleteNetworkInterfacePermission", "Resource": "*"},
    {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
    {"Action": "kms:*", "Resource": "*", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}},
]


@pytest.mark.parametrize("statement", GOOD, ids=[str(one["Action"]) for one in GOOD])
def test_a_sound_statement_is_accepted(statement: dict[str, Any]) -> None:
    assert said(statement) == []


BAD = {
    "an action that is none": (
        {"Action": "sagemaker:CreateTrainingJobs", "Resource": JOB},
        "no action is called sagemaker:CreateTrainingJobs",
    ),
    "a service that is none": ({"Action": "sage:Create", "Resource": "*"}, "no action is called sage:Create"),
    "a pattern that no action fits": ({"Action": "s3:Fetch*", "Resource": "*"}, "no action is called s3:Fetch*"),
    "another spelling": (
        {"Action": "sagemaker:createTrainingJob", "Resource": JOB},
        "the action sagemaker:createTrainingJob is spelled sagemaker:CreateTrainingJob",
    ),
    "a resource for an action that has none": (
        {"Action": "sagemaker:ListTrainingJobs", "Resource": JOB},
        f"sagemaker:ListTrainingJobs is asked on no resource, so this allows nothing: {JOB}",
    ),
    "everything for an action on resources": (
        {"Action": "s3:GetObject", "Resource": "*"},
        "s3:GetObject is asked on accesspointobject, object, so Resource need not be *",
    ),
    "a bucket for an action on objects": (
        {"Action": ["s3:GetObject"], "Resource": BUCKET},
        f"{BUCKET} is no resource of s3:GetObject",
    ),
    "an ARN of another service": (
        {"Action": "sagemaker:DescribeTrainingJob", "Resource": [JOB, SUBNET]},
        f"{SUBNET} is no resource of sagemaker:DescribeTrainingJob",
    ),
    "a key that the service has not": (
        {"Action": "s3:GetObject", "Resource": f"{BUCKET}/*", "Condition": {"StringLike": {"s3:prefix": "a/*"}}},
        "a request for s3:GetObject has no condition key s3:prefix",
    ),
    "a global key that the service does not give": (
        {"Action": "s3:ListBucket", "Resource": BUCKET, "Condition": {"StringEquals": {"aws:RequestTag/a": "b"}}},
        "a request for s3:ListBucket has no condition key aws:RequestTag/a",
    ),
    "an operator of another type": (
        {"Action": "s3:ListBucket", "Resource": BUCKET, "Condition": {"NumericEquals": {"s3:prefix": "1"}}},
        "NumericEquals does not compare s3:prefix, which is of the type String",
    ),
    "one value compared as many": (
        {
            "Action": "s3:ListBucket",
            "Resource": BUCKET,
            "Condition": {"ForAllValues:StringEquals": {"s3:prefix": "a"}},
        },
        "ForAllValues:StringEquals does not compare s3:prefix, which is of the type String",
    ),
}


@pytest.mark.parametrize("statement, line", BAD.values(), ids=BAD)
def test_what_is_wrong_is_said(statement: dict[str, Any], line: str) -> None:
    assert line in said(statement)


def test_every_resource_that_a_request_names_must_be_allowed() -> None:
    line = "ec2:CreateNetworkInterface needs a resource of the type network-interface"
    (one,) = said({"Action": "ec2:CreateNetworkInterface", "Resource": SUBNET})
    assert one.startswith(line)
    interfaces = "arn:aws:ec2:us-east-1:123456789012:network-interface/*"
    in_two = [{"Action": "ec2:CreateNetworkInterface", "Resource": one} for one in (SUBNET, interfaces)]
    assert said(*in_two) == []


def test_a_trust_policy_names_no_resource() -> None:
    assert said({"Action": "sts:AssumeRole"}, holder="AssumeRolePolicyDocument") == []
    assert said({"Action": "sts:AssumeRoles"}, holder="AssumeRolePolicyDocument")


def test_an_exception_that_nothing_needs_is_named() -> None:
    assert len(authorization.unused([])) == len(authorization.ANYWHERE)


def test_references_of_a_template_are_filled_in() -> None:
    bucket = {"Type": "AWS::S3::Bucket"}
    allow = {"Effect": "Allow", "Action": "s3:GetObject"}
    there = {"Fn::Join": ["", [{"Fn::GetAtt": ["Data", "Arn"]}, "/", {"Ref": "AWS::AccountId"}, "/*"]]}
    only_if = {"Fn::If": ["Some", {**allow, "Resource": there}, {"Ref": "AWS::NoValue"}]}
    policy = {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {"PolicyDocument": {"Statement": [only_if, {"Ref": "AWS::NoValue"}]}},
    }
    (found,) = policies(Assembly({"stack": {"Resources": {"Data": bucket, "Policy": policy}}}))
    assert found.statements == ({**allow, "Resource": "arn:aws:s3:::Data/123456789012/*"},)


def test_a_reference_of_a_shape_that_nobody_has_said_is_an_error() -> None:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": {"Fn::GetAtt": ["Thing", "Arn"]}}
    policy = {"Type": "AWS::IAM::Policy", "Properties": {"PolicyDocument": {"Statement": statement}}}
    resources = {"Thing": {"Type": "AWS::EC2::Volume"}, "Policy": policy}
    with pytest.raises(Unknown, match="AWS::EC2::Volume"):
        list(policies(Assembly({"stack": {"Resources": resources}})))


def test_the_reference_is_of_this_year() -> None:
    """A pin that nobody renews would hold new policies against old words."""
    assert reference.updated().year >= 2026
