"""What publishes to an encrypted thing is allowed by its policy and by its key's, in this account: else it vanishes."""

import copy
from typing import Any

import pytest

from checks.rules.model import Assembly
from checks.rules.publishers import publishers_may_publish

ACCOUNT = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def allow(service: Any, action: Any, condition: dict[str, Any] | None = ACCOUNT) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": action, "Resource": "*"}
    return {**statement, "Condition": condition} if condition is not None else statement


def resource(type_: str, **properties: Any) -> dict[str, Any]:
    return {"Type": type_, "Properties": properties}


LOGS = {"Fn::Join": ["", ["logs.", {"Ref": "AWS::Region"}, ".amazonaws.com"]]}
CONTEXT = {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:us-east-1:123456789012:log-group:*"}}
USE = ["kms:Decrypt", "kms:GenerateDataKey*"]
TEMPLATES: dict[str, Any] = {
    "storage": {
        "Resources": {
            "Key": resource(
                "AWS::KMS::Key",
                KeyPolicy={
                    "Statement": [
                        allow("events.amazonaws.com", USE),
                        allow("cloudwatch.amazonaws.com", USE),
                        allow("budgets.amazonaws.com", USE),
                        allow(LOGS, ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*"], CONTEXT),
                    ]
                },
            ),
            "Logs": resource("AWS::S3::Bucket", BucketEncryption={"SSEAlgorithm": "AES256"}),
            "Data": resource("AWS::S3::Bucket", LoggingConfiguration={"DestinationBucketName": {"Ref": "Logs"}}),
            "LogsPolicy": resource(
                "AWS::S3::BucketPolicy",
                Bucket={"Ref": "Logs"},
                PolicyDocument={"Statement": [allow("logging.s3.amazonaws.com", "s3:PutObject")]},
            ),
        },
        "Outputs": {"KeyArn": {"Value": {"Fn::GetAtt": ["Key", "Arn"]}, "Export": {"Name": "storage:key"}}},
    },
    "observability": {
        "Resources": {
            "Topic": resource("AWS::SNS::Topic", KmsMasterKeyId={"Fn::ImportValue": "storage:key"}),
            "TopicPolicy": resource(
                "AWS::SNS::TopicPolicy",
                Topics=[{"Ref": "Topic"}],
                PolicyDocument={
                    "Statement": [
                        allow(f"{service}.amazonaws.com", "sns:Publish")
                        for service in ("events", "cloudwatch", "budgets")
                    ]
                },
            ),
            "Rule": resource("AWS::Events::Rule", Targets=[{"Arn": {"Ref": "Topic"}, "Id": "0"}]),
            "Alarm": resource("AWS::CloudWatch::Alarm", AlarmActions=[{"Ref": "Topic"}]),
            "Budget": resource(
                "AWS::Budgets::Budget",
                NotificationsWithSubscribers=[
                    {"Subscribers": [{"SubscriptionType": "SNS", "Address": {"Ref": "Topic"}}]},
                    {"Fn::If": ["Given", {"Subscribers": []}, {"Ref": "AWS::NoValue"}]},
                ],
            ),
            "Group": resource("AWS::Logs::LogGroup", KmsKeyId={"Fn::ImportValue": "storage:key"}),
        }
    },
}


def found(templates: dict[str, Any]) -> list[str]:
    return [str(finding) for finding in publishers_may_publish(Assembly(templates))]


def statements(templates: dict[str, Any], name: str) -> list[dict[str, Any]]:
    for template in templates.values():
        if name in template["Resources"]:
            properties = template["Resources"][name]["Properties"]
            document = properties.get("PolicyDocument", properties.get("KeyPolicy"))
            result: list[dict[str, Any]] = document["Statement"]
            return result
    raise KeyError(name)


def test_everything_granted_passes() -> None:
    assert found(TEMPLATES) == []


@pytest.mark.parametrize(
    ("policy", "index", "source"),
    [
        ("TopicPolicy", 0, "observability/Rule"),
        ("TopicPolicy", 1, "observability/Alarm"),
        ("TopicPolicy", 2, "observability/Budget"),
        ("Key", 0, "observability/Rule"),
        ("Key", 1, "observability/Alarm"),
        ("Key", 2, "observability/Budget"),
        ("Key", 3, "observability/Group"),
        ("LogsPolicy", 0, "storage/Data"),
    ],
)
@pytest.mark.parametrize("how", ["without", "no condition", "denied", "other action"])
def test_one_missing_grant_is_found(policy: str, index: int, source: str, how: str) -> None:
    templates = copy.deepcopy(TEMPLATES)
    statement = statements(templates, policy)[index]
    if how == "without":
        del statements(templates, policy)[index]
    elif how == "no condition":
        del statement["Condition"]
    elif how == "denied":
        statement["Effect"] = "Deny"
    else:
        statement["Action"] = ["kms:Decrypt"]
    (finding,) = found(templates)
    assert finding.startswith(f"{source}: what it sends vanishes: the policy of ")


def test_access_logs_never_reach_a_bucket_with_a_key() -> None:
    templates = copy.deepcopy(TEMPLATES)
    templates["storage"]["Resources"]["Logs"]["Properties"]["BucketEncryption"] = {"SSEAlgorithm": "aws:kms"}
    (finding,) = found(templates)
    assert "its access logs never arrive: bucket Logs is encrypted with a KMS key" in finding


def test_a_topic_without_a_key_only_needs_its_own_policy() -> None:
    templates = copy.deepcopy(TEMPLATES)
    del templates["observability"]["Resources"]["Topic"]["Properties"]["KmsMasterKeyId"]
    statements(templates, "Key")[:3] = []
    assert found(templates) == []
