"""verify finds what is not as the template says, and nothing else."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from embedded import lifecycle
from embedded.verify import Verified, table, verify
from tests.cloud.conftest import Cloud
from tests.support.cloud.stacks_api import StackUnderTest, bucket, of, parameter
from yard.commands import cloud as command

BLOCK = {"BlockPublicAcls": True, "BlockPublicPolicy": True, "IgnorePublicAcls": True, "RestrictPublicBuckets": True}
RULE = {"Id": "old", "Status": "Enabled", "NoncurrentVersionExpiration": {"NoncurrentDays": 30}}


@pytest.fixture
def stack(cloud: Cloud) -> StackUnderTest:
    made = StackUnderTest(cloud)
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Principal": {"AWS": "123456789012"}}
        ],
    }
    box = bucket(
        VersioningConfiguration={"Status": "Enabled"},
        PublicAccessBlockConfiguration=BLOCK,
        LifecycleConfiguration={"Rules": [RULE]},
    )
    box_policy = {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": {"Ref": "Box"}, "PolicyDocument": policy}}
    assert made.create(of(Box=box, BoxPolicy=box_policy, P=parameter("a"))) == "CREATE_COMPLETE"
    return made


def results(stack: StackUnderTest) -> dict[str, Verified]:
    return {item.logical_id: item for item in verify(stack.cloud.state, stack=stack.name)}


def test_a_fresh_stack_is_right(stack: StackUnderTest) -> None:
    found = results(stack)
    assert set(found) == {"Box", "BoxPolicy", "P"}
    assert all(item.is_right for item in found.values()), table(found.values())
    assert set(found["Box"].compared) == {
        "LifecycleConfiguration",
        "PublicAccessBlockConfiguration",
        "VersioningConfiguration",
    }


def test_each_change_behind_the_stacks_back_is_found(stack: StackUnderTest) -> None:
    s3, name = stack.cloud.client("s3"), stack.physical_id("Box")
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"})
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=BLOCK | {"RestrictPublicBuckets": False})
    s3.delete_bucket_lifecycle(Bucket=name)
    s3.delete_bucket_policy(Bucket=name)
    stack.cloud.client("ssm").delete_parameter(Name=stack.physical_id("P"))
    found = results(stack)
    assert {item.property for item in found["Box"].differences} == {
        "LifecycleConfiguration",
        "PublicAccessBlockConfiguration.RestrictPublicBuckets",
        "VersioningConfiguration.Status",
    }
    assert found["BoxPolicy"].problem == found["P"].problem == "its service does not know it"
    text = table(found.values())
    assert "MISSING" in text and "VersioningConfiguration.Status: wanted Enabled, answered Suspended" in text


def test_a_stack_that_was_rolled_back_is_not_right(cloud: Cloud) -> None:
    stack = StackUnderTest(cloud)
    stack.create(of(Bad={"Type": "AWS::Braket::Nothing"}))
    (only,) = verify(cloud.state, stack=stack.name)
    assert not only.is_right and "rolled back" in str(only.problem)


def test_the_admin_verb_answers_rows_for_the_command(stack: StackUnderTest) -> None:
    rows: list[dict[str, Any]] = stack.cloud.admin("verify", stack=stack.name)["rows"]
    assert {row["result"] for row in rows} == {"ok"}
    assert ("Box", "VersioningConfiguration") in {(row["logical_id"], row["property"]) for row in rows}


RULE_STACK = of(
    Rule={
        "Type": "AWS::Events::Rule",
        "Metadata": {"shardyard:ChangesAtRunTime": ["State"]},
        "Properties": {"ScheduleExpression": "rate(5 minutes)", "State": "DISABLED", "Description": "look"},
    }
)


def test_what_the_template_says_changes_at_run_time_is_told_and_no_fault(cloud: Cloud) -> None:
    stack = StackUnderTest(cloud)
    assert stack.create(RULE_STACK) == "CREATE_COMPLETE"
    events, name = cloud.client("events"), stack.physical_id("Rule")
    assert results(stack)["Rule"].at_run_time == ()
    events.enable_rule(Name=name)
    found = results(stack)["Rule"]
    assert found.is_right
    assert [(one.property, one.wanted, one.answered) for one in found.at_run_time] == [("State", "DISABLED", "ENABLED")]
    assert "State changes at run time: the template says DISABLED, the service ENABLED" in table([found])
    row = next(row for row in cloud.admin("verify", stack=stack.name)["rows"] if row["property"] == "State")
    assert row["result"] == "changes at run time"


def test_without_a_place_it_looks_everywhere(cloud: Cloud) -> None:
    account, region = "111122223333", "ap-south-1"
    far = cloud.client("cloudformation", account=account, region=region)
    far.create_stack(StackName="verified-far", TemplateBody=json.dumps(of(Topic={"Type": "AWS::SNS::Topic"})))
    far.get_waiter("stack_create_complete").wait(StackName="verified-far")
    (found,) = verify(cloud.state, stack="verified-far")
    assert (found.account, found.region) == (account, region)
    assert "verified-far" in {one.stack for one in verify(cloud.state)}
    assert "verified-far" not in {one.stack for one in verify(cloud.state, region="us-east-1")}
    with pytest.raises(lifecycle.CloudError, match="there is no stack 'verified-far' in us-east-1"):
        verify(cloud.state, stack="verified-far", region="us-east-1")


def test_only_the_named_property_may_change_at_run_time(cloud: Cloud) -> None:
    stack = StackUnderTest(cloud)
    stack.create(RULE_STACK)
    events, name = cloud.client("events"), stack.physical_id("Rule")
    events.put_rule(Name=name, ScheduleExpression="rate(9 minutes)", State="ENABLED", Description="look")
    found = results(stack)["Rule"]
    assert not found.is_right
    assert [one.property for one in found.differences] == ["ScheduleExpression"]


def test_the_command_prints_what_changes_at_run_time_and_ends_well(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = {"property": "State", "wanted": "DISABLED", "answered": "ENABLED"}
    place = {"account": "123456789012", "region": "eu-west-1"}
    one = {
        **place,
        "stack": "s",
        "logical_id": "Rule",
        "type": "T",
        "compared": ["State"],
        "differences": [],
        "problem": None,
    }
    monkeypatch.setattr(command, "ask", lambda verb, **params: {"resources": [{**one, "at_run_time": [changed]}]})
    done = CliRunner().invoke(command.app, ["verify"])
    assert done.exit_code == 0
    assert "1 properties compared in 123456789012 eu-west-1: no difference." in done.output
    assert "s Rule State changes at run time: template DISABLED, service ENABLED." in done.output
