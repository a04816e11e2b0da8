"""Project: what constructs know of the project that they belong to, in any CDK app."""

import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns

from shardyard.core.project import Project
from shardyard.foundation.storage import Storage
from shardyard.observability.alerts import Alerts
from shardyard.observability.job_alarms import JobAlarms
from shardyard.observability.job_watch import JobWatch, WatchLimits
from shardyard.observability.sweeper import Sweeper
from tests.support.training_stack import of_type, only, own_stack, written


@pytest.mark.parametrize(
    ("name", "stage", "message"),
    [
        ("Vision", "dev", r"^Project\(name='Vision'\) is not allowed: 3 to 20 small letters, digits and hyphens"),
        ("vision", "my-dev", r"^Project\(stage='my-dev'\) is not allowed: 2 to 12 small letters and digits"),
    ],
)
def test_a_name_that_aws_would_refuse_late_is_refused_at_once(name: str, stage: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Project(name=name, stage=stage)


def test_a_name_and_a_stage_are_enough_and_data_is_then_retained() -> None:
    stack = own_stack()
    Storage(stack, "Storage", project=Project(name="vision", stage="dev"))
    buckets = [one for one in written(stack)["Resources"].values() if one["Type"] == "AWS::S3::Bucket"]
    assert [bucket["DeletionPolicy"] for bucket in buckets] == ["RetainExceptOnCreate"] * 3


def test_what_all_roles_and_groups_have_in_common_comes_from_it() -> None:
    stack = own_stack()
    boundary = "arn:aws:iam::123456789012:policy/team"
    project = Project(name="vision", stage="dev", permissions_boundary=boundary, log_days=7, retains_data=False)
    Storage(stack, "Storage", project=project)
    template = written(stack)
    assert only(template, "AWS::IAM::Role")["PermissionsBoundary"] == boundary
    assert only(template, "AWS::Logs::LogGroup")["RetentionInDays"] == 7


def test_keys_and_topics_of_a_team_are_as_good_as_ours() -> None:
    stack = own_stack()
    project, key, topic = Project(name="vision", stage="dev"), kms.Key(stack, "Key"), sns.Topic(stack, "Team")
    elsewhere = sns.Topic.from_topic_arn(stack, "Elsewhere", "arn:aws:sns:us-east-1:123456789012:elsewhere")
    Alerts(stack, "Alerts", project=project, key=key)
    JobWatch(stack, "JobWatch", project=project, key=key, topic=topic, limits=WatchLimits())
    JobAlarms(stack, "JobAlarms", project=project, topic=elsewhere, limits=WatchLimits())
    Sweeper(stack, "Sweeper", project=project, key=key, topic=topic)
    template = written(stack)
    (key_id,) = of_type(template, "AWS::KMS::Key")
    (own,) = [one for one in of_type(template, "AWS::SNS::Topic").values() if "TopicName" in one]
    assert own["KmsMasterKeyId"] == {"Fn::GetAtt": [key_id, "Arn"]}
    assert not of_type(template, "AWS::SNS::Subscription"), "nobody was named"
    (team,) = [name for name in of_type(template, "AWS::SNS::Topic") if name.startswith("Team")]
    functions = of_type(template, "AWS::Lambda::Function").values()
    assert [one["Environment"]["Variables"]["TOPIC_ARN"] for one in functions] == [{"Ref": team}] * 3
    alarms = of_type(template, "AWS::CloudWatch::Alarm").values()
    assert [one["AlarmActions"] for one in alarms] == [["arn:aws:sns:us-east-1:123456789012:elsewhere"]] * 3
