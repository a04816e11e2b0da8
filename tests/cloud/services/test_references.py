"""What a template names and is not there: refused as its service refuses it, not taken unseen."""

from typing import Any

import pytest

from tests.cloud.conftest import ACCOUNT, REGION, Cloud
from tests.support.cloud.stacks_api import StackUnderTest, Template, of

ROLE = f"arn:aws:iam::{ACCOUNT}:role/nobody"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
SUBNET, GROUP, NETWORK = "subnet-0123456789abcdef0", "sg-0123456789abcdef0", "vpc-0123456789abcdef0"
CODE = {"ZipFile": "def handler(event, context): pass"}


def resource(type_: str, **properties: Any) -> Template:
    return {"Type": type_, "Properties": properties}


def trust(principal: dict[str, Any]) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


TRUST = trust({"Service": ["sagemaker.amazonaws.com", "lambda.amazonaws.com"]})
MADE = {
    "Net": resource("AWS::EC2::VPC", CidrBlock="10.0.0.0/16"),
    "Role": resource("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST),
}
ARN = {"Fn::GetAtt": ["Role", "Arn"]}
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/a:1"
NOTEBOOK = {"InstanceType": "ml.t3.medium", "RoleArn": ARN}
FUNCTION = {"Runtime": "python3.13", "Handler": "index.handler", "Role": ARN, "Code": CODE}
NO_ROLE = (
    f"Could not assume role {ROLE}. Please ensure that the role exists and allows principal 'sagemaker.amazonaws.com' "
    "to assume the role."
)
NO_SUBNET, NO_GROUP = f"The subnet ID '{SUBNET}' does not exist", f"The security group '{GROUP}' does not exist"

CASES: dict[str, tuple[Template, str, str]] = {
    "group's network": (
        resource("AWS::EC2::SecurityGroup", VpcId=NETWORK, GroupDescription="d"),
        f"The vpc ID '{NETWORK}' does not exist",
        "InvalidVpcID.NotFound",
    ),
    "endpoint's group": (
        resource(
            "AWS::EC2::VPCEndpoint",
            VpcId={"Ref": "Net"},
            VpcEndpointType="Interface",
            ServiceName="com.amazonaws.us-east-1.ecr.api",
            SecurityGroupIds=[GROUP],
        ),
        NO_GROUP,
        "InvalidGroup.NotFound",
    ),
    "notebook's role": (
        resource("AWS::SageMaker::NotebookInstance", **NOTEBOOK | {"RoleArn": ROLE}),
        NO_ROLE,
        "ValidationException",
    ),
    "notebook's subnet": (
        resource("AWS::SageMaker::NotebookInstance", **NOTEBOOK, SubnetId=SUBNET, SecurityGroupIds=[GROUP]),
        NO_SUBNET,
        "ValidationException",
    ),
    "notebook's key": (
        resource("AWS::SageMaker::NotebookInstance", **NOTEBOOK, KmsKeyId=KEY),
        f"Invalid KMS key: {KEY} does not exist",
        "ValidationException",
    ),
    "model's role": (
        resource("AWS::SageMaker::Model", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": IMAGE}),
        NO_ROLE,
        "ValidationException",
    ),
    "function's subnet": (
        resource("AWS::Lambda::Function", **FUNCTION, VpcConfig={"SubnetIds": [SUBNET], "SecurityGroupIds": [GROUP]}),
        "Error occurred while DescribeSubnets. EC2 Error Code: InvalidSubnetID.NotFound. EC2 Error Message: "
        + NO_SUBNET,
        "InvalidParameterValueException",
    ),
    "log group's key": (
        resource("AWS::Logs::LogGroup", LogGroupName="/keyless", KmsKeyId=KEY),
        "The specified KMS key does not exist or is not allowed to be used with Arn "
        f"'arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/keyless'",
        "InvalidParameterException",
    ),
    "repository's key": (
        resource("AWS::ECR::Repository", EncryptionConfiguration={"EncryptionType": "KMS", "KmsKey": KEY}),
        f"Key '{KEY}' does not exist",
        "KmsException",
    ),
    "secret's key": (
        resource("AWS::SecretsManager::Secret", KmsKeyId=KEY, SecretString="s"),
        "Secrets Manager can't encrypt the protected secret text using the provided KMS key.",
        "EncryptionFailure",
    ),
    "role's principal": (
        resource("AWS::IAM::Role", AssumeRolePolicyDocument=trust({"AWS": ROLE})),
        f'Invalid principal in policy: "AWS":"{ROLE}"',
        "MalformedPolicyDocument",
    ),
    "role's boundary": (
        resource("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST, PermissionsBoundary="arn:aws:iam::aws:policy/None"),
        "Scope ARN: arn:aws:iam::aws:policy/None does not exist or is not attachable.",
        "NoSuchEntity",
    ),
    "key's principal": (
        resource("AWS::KMS::Key", KeyPolicy=trust({"AWS": ROLE})),
        "Policy contains a statement with one or more invalid principals.",
        "MalformedPolicyDocumentException",
    ),
    "target's role": (
        resource(
            "AWS::Events::Rule",
            EventPattern={"source": ["a"]},
            Targets=[{"Id": "a", "Arn": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:none", "RoleArn": ROLE}],
        ),
        f"Provided role '{ROLE}' cannot be assumed by principal 'events.amazonaws.com'.",
        "ValidationException",
    ),
}


@pytest.mark.parametrize(("bad", "message", "code"), CASES.values(), ids=CASES)
def test_what_is_not_there_is_refused_in_the_services_words(
    cloud: Cloud, bad: Template, message: str, code: str
) -> None:
    stack = StackUnderTest(cloud)
    assert stack.create(of(**MADE, Bad={**bad, "DependsOn": ["Net", "Role"]})) == "ROLLBACK_COMPLETE"
    (reason,) = [why for name, status, why in stack.history() if (name, status) == ("Bad", "CREATE_FAILED")]
    assert reason.startswith(message)
    assert f"Error Code: {code}" in reason
