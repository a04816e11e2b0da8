"""Stacks: creation, update, replacement, rollback, deletion, exports; as CloudFormation does them."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud.conftest import Cloud
from tests.support.cloud.stacks_api import StackUnderTest, bucket, of, parameter


@pytest.fixture
def stack(cloud: Cloud) -> StackUnderTest:
    return StackUnderTest(cloud)


def refusal(work: Any, *arguments: Any, **options: Any) -> str:
    """The message of the API's refusal."""
    with pytest.raises(ClientError) as caught:
        work(*arguments, **options)
    return str(caught.value.response["Error"]["Message"])


def test_a_type_that_is_not_emulated_fails_the_deploy_and_names_itself(stack: StackUnderTest) -> None:
    template = of(Good=parameter("1"), Bad={"Type": "AWS::Braket::Nothing", "DependsOn": "Good"})
    assert stack.create(template) == "ROLLBACK_COMPLETE"
    failed = [event for event in stack.history() if event[1] == "CREATE_FAILED"]
    assert failed == [
        ("Bad", "CREATE_FAILED", "the embedded cloud does not emulate the resource type AWS::Braket::Nothing")
    ]
    assert ("Good", "DELETE_COMPLETE", "") in stack.history()


def test_a_failed_creation_is_undone_with_the_services_reason(stack: StackUnderTest) -> None:
    template = of(First=bucket(), Second={**bucket(BucketName="ab"), "DependsOn": "First"})
    assert stack.create(template) == "ROLLBACK_COMPLETE"
    reasons = {name: reason for name, status, reason in stack.history() if status == "CREATE_FAILED"}
    assert "InvalidBucketName" in reasons["Second"]
    first = next(name for name, _, _ in stack.history() if name == "First")
    assert first and stack.api.list_stack_resources(StackName=stack.name)["StackResourceSummaries"] == []


def test_what_was_begun_when_a_creation_failed_is_taken_away_too(stack: StackUnderTest) -> None:
    name = f"half-made-{stack.name}"
    rule = {"Status": "Enabled", "ExpirationInDays": "soon"}
    assert (
        stack.create(of(Half=bucket(BucketName=name, LifecycleConfiguration={"Rules": [rule]}))) == "ROLLBACK_COMPLETE"
    )
    names = [item["Name"] for item in stack.cloud.client("s3").list_buckets()["Buckets"]]
    assert name not in names


def test_without_rollback_a_failed_creation_stays_as_it_is(stack: StackUnderTest) -> None:
    template = of(Good=parameter("1"), Bad={"Type": "AWS::Braket::Nothing", "DependsOn": "Good"})
    assert stack.create(template, OnFailure="DO_NOTHING") == "CREATE_FAILED"
    assert stack.cloud.client("ssm").get_parameter(Name=stack.physical_id("Good"))
    stack.api.rollback_stack(StackName=stack.name)
    assert stack.status() == "ROLLBACK_COMPLETE"


def test_without_rollback_a_failed_update_waits_for_a_repair_or_for_its_undoing(stack: StackUnderTest) -> None:
    stack.create(of(A=parameter("old")))
    bad = {"Type": "AWS::Braket::Nothing", "DependsOn": "A"}
    assert stack.update(of(A=parameter("new"), Bad=bad), DisableRollback=True) == "UPDATE_FAILED"
    ssm, name = stack.cloud.client("ssm"), stack.physical_id("A")
    assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == "new"
    stack.api.rollback_stack(StackName=stack.name)
    assert stack.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == "old"
    stack.update(of(A=parameter("new"), Bad=bad), DisableRollback=True)
    assert stack.update(of(A=parameter("new"), Good=parameter("g"))) == "UPDATE_COMPLETE"


def test_an_update_changes_in_place_and_what_depends_on_it_follows(stack: StackUnderTest) -> None:
    def template(value: str) -> dict[str, Any]:
        return of(Source=parameter(value), Copy=parameter({"Fn::GetAtt": ["Source", "Value"]}))

    stack.create(template("one"))
    before = stack.physical_id("Source")
    assert stack.update(template("two")) == "UPDATE_COMPLETE"
    assert stack.physical_id("Source") == before
    copy = stack.cloud.client("ssm").get_parameter(Name=stack.physical_id("Copy"))["Parameter"]["Value"]
    assert copy == "two"


def test_a_create_only_property_replaces_and_the_old_one_goes_last(stack: StackUnderTest) -> None:
    names = [f"{stack.name}-one", f"{stack.name}-two"]
    stack.create(of(Box=bucket(BucketName=names[0]), User=parameter({"Ref": "Box"})))
    assert stack.update(of(Box=bucket(BucketName=names[1]), User=parameter({"Ref": "Box"}))) == "UPDATE_COMPLETE"
    buckets = [item["Name"] for item in stack.cloud.client("s3").list_buckets()["Buckets"]]
    assert names[1] in buckets and names[0] not in buckets
    history = stack.history()
    replaced = (
        "Box",
        "UPDATE_IN_PROGRESS",
        "Requested update requires the creation of a new physical resource; hence creating one.",
    )
    cleanup = next(index for index, event in enumerate(history) if "CLEANUP" in event[1])
    assert replaced in history
    assert history.index(("User", "UPDATE_COMPLETE", "")) < cleanup < history.index(("Box", "DELETE_COMPLETE", ""))


def test_update_replace_policy_retain_keeps_the_old_one(stack: StackUnderTest) -> None:
    names = [f"{stack.name}-one", f"{stack.name}-two"]

    def template(name: str) -> dict[str, Any]:
        return of(Box={**bucket(BucketName=name), "UpdateReplacePolicy": "Retain", "DeletionPolicy": "Delete"})

    stack.create(template(names[0]))
    stack.update(template(names[1]))
    assert ("Box", "DELETE_SKIPPED", "") in stack.history()
    buckets = [item["Name"] for item in stack.cloud.client("s3").list_buckets()["Buckets"]]
    assert set(names) <= set(buckets)


def test_a_failed_update_is_undone(stack: StackUnderTest) -> None:
    stack.create(of(Kept=parameter("old"), Gone=parameter("still here")))
    kept = stack.physical_id("Kept")
    new = of(
        Kept=parameter("new"),
        Added=parameter("x"),
        Bad={"Type": "AWS::Braket::Nothing", "DependsOn": ["Kept", "Added"]},
    )
    assert stack.update(new) == "UPDATE_ROLLBACK_COMPLETE"
    ssm = stack.cloud.client("ssm")
    assert ssm.get_parameter(Name=kept)["Parameter"]["Value"] == "old"
    left = {
        item["LogicalResourceId"]
        for item in stack.api.list_stack_resources(StackName=stack.name)["StackResourceSummaries"]
    }
    assert left == {"Kept", "Gone"}
    assert stack.update(of(Kept=parameter("newer"), Gone=parameter("still here"))) == "UPDATE_COMPLETE"


def test_a_failed_replacement_leaves_the_old_one_in_place(stack: StackUnderTest) -> None:
    old = f"{stack.name}-old"
    stack.create(of(Box=bucket(BucketName=old)))
    bad = {"Type": "AWS::Braket::Nothing", "DependsOn": "Box"}
    assert stack.update(of(Box=bucket(BucketName=f"{stack.name}-new"), Bad=bad)) == "UPDATE_ROLLBACK_COMPLETE"
    buckets = [item["Name"] for item in stack.cloud.client("s3").list_buckets()["Buckets"]]
    assert old in buckets and f"{stack.name}-new" not in buckets
    assert stack.physical_id("Box") == old


def test_a_resource_that_left_the_template_is_deleted_or_retained(stack: StackUnderTest) -> None:
    retained = {**parameter("kept"), "DeletionPolicy": "Retain"}
    stack.create(of(A=parameter("a"), B=parameter("b"), C=retained))
    gone, kept = stack.physical_id("B"), stack.physical_id("C")
    stack.update(of(A=parameter("a")))
    ssm = stack.cloud.client("ssm")
    with pytest.raises(ClientError):
        ssm.get_parameter(Name=gone)
    assert ssm.get_parameter(Name=kept)


def test_an_update_without_changes_is_refused_in_the_words_that_clients_look_for(stack: StackUnderTest) -> None:
    stack.create(of(A=parameter("a")))
    assert refusal(stack.update, of(A=parameter("a"))) == "No updates are to be performed."


def test_deletion_goes_against_the_dependencies(stack: StackUnderTest) -> None:
    stack.create(
        of(First=parameter("1"), Second=parameter({"Ref": "First"}), Third={**parameter("3"), "DependsOn": "Second"})
    )
    assert stack.delete() == "DELETE_COMPLETE"
    deleted = [name for name, status, _ in stack.history() if status == "DELETE_COMPLETE"]
    assert deleted[:3] == ["Third", "Second", "First"]


def test_a_deletion_that_fails_says_why_and_can_be_repeated(stack: StackUnderTest) -> None:
    stack.create(of(Box=bucket()))
    s3, name = stack.cloud.client("s3"), stack.physical_id("Box")
    s3.put_object(Bucket=name, Key="in the way", Body=b"")
    assert stack.delete() == "DELETE_FAILED"
    assert any("BucketNotEmpty" in reason for _, status, reason in stack.history() if status == "DELETE_FAILED")
    s3.delete_object(Bucket=name, Key="in the way")
    assert stack.delete() == "DELETE_COMPLETE"


def test_an_export_in_use_can_neither_go_nor_change(cloud: Cloud, stack: StackUnderTest) -> None:
    def exporting(value: str) -> dict[str, Any]:
        output = {"Value": {"Fn::GetAtt": ["A", "Value"]}, "Export": {"Name": f"{stack.name}-value"}}
        return {**of(A=parameter(value)), "Outputs": {"Out": output}}

    stack.create(exporting("one"))
    user = StackUnderTest(cloud)
    user.create(of(B=parameter({"Fn::ImportValue": f"{stack.name}-value"})))
    assert user.api.list_imports(ExportName=f"{stack.name}-value")["Imports"] == [user.name]
    assert stack.update(exporting("two")) == "UPDATE_ROLLBACK_COMPLETE"
    stack.api.delete_stack(StackName=stack.name)
    assert "in use by" in stack.describe()["StackStatusReason"]
    assert stack.describe()["StackStatus"] != "DELETE_COMPLETE"
    assert user.delete() == "DELETE_COMPLETE"
    assert stack.delete() == "DELETE_COMPLETE"


def test_an_import_of_nothing_fails_at_the_resource_that_wants_it(stack: StackUnderTest) -> None:
    assert stack.create(of(A=parameter({"Fn::ImportValue": "nobody:exports:this"}))) == "ROLLBACK_COMPLETE"
    assert ("A", "CREATE_FAILED", "No export named nobody:exports:this found.") in stack.history()


def test_a_circle_is_refused_before_anything_happens(stack: StackUnderTest) -> None:
    circle = of(A=parameter({"Ref": "B"}), B={**parameter("b"), "DependsOn": "A"})
    assert "Circular dependency" in refusal(stack.create, circle)


def test_two_stacks_cannot_export_one_name(cloud: Cloud, stack: StackUnderTest) -> None:
    output = {"Value": "x", "Export": {"Name": f"{stack.name}-shared"}}
    template = {**of(A=parameter("a")), "Outputs": {"Out": output}}
    stack.create(template)
    assert StackUnderTest(cloud).create(template) == "ROLLBACK_COMPLETE"


def test_a_protected_stack_is_not_deleted(stack: StackUnderTest) -> None:
    stack.create(of(A=parameter("a")), EnableTerminationProtection=True)
    assert "TerminationProtection is enabled" in refusal(stack.api.delete_stack, StackName=stack.name)
    stack.api.update_termination_protection(StackName=stack.name, EnableTerminationProtection=False)
    assert stack.delete() == "DELETE_COMPLETE"


def test_a_template_with_roles_needs_someone_who_knows(stack: StackUnderTest) -> None:
    import json

    role = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "r", "AssumeRolePolicyDocument": {"Statement": []}}}
    message = refusal(stack.api.create_stack, StackName=stack.name, TemplateBody=json.dumps(of(R=role)))
    assert message == "Requires capabilities : [CAPABILITY_NAMED_IAM]"


def test_stacks_of_two_accounts_and_regions_do_not_meet(cloud: Cloud) -> None:
    here = StackUnderTest(cloud, "same-name")
    there = StackUnderTest(cloud, "same-name", account="333333333333", region="eu-west-1")
    here.create(of(A=parameter({"Ref": "AWS::AccountId"})))
    there.create(of(A=parameter({"Fn::Sub": "${AWS::AccountId} ${AWS::Region}"})))
    ssm = cloud.client("ssm", account="333333333333", region="eu-west-1")
    assert ssm.get_parameter(Name=there.physical_id("A"))["Parameter"]["Value"] == "333333333333 eu-west-1"
    assert there.describe()["StackId"].startswith("arn:aws:cloudformation:eu-west-1:333333333333:stack/same-name/")


def test_the_role_of_the_stack_is_used_and_limited(cloud: Cloud, stack: StackUnderTest) -> None:
    import json

    iam = cloud.client("iam")
    trust = {
        "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "cloudformation.amazonaws.com"}}
        ]
    }
    role = iam.create_role(RoleName=f"{stack.name}-role", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    assert stack.create(of(A=parameter("a")), RoleARN=role) in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED")
    reasons = [reason for _, status, reason in stack.history() if status == "CREATE_FAILED"]
    assert "ssm:PutParameter" in reasons[0] and "AWSCloudFormation" in reasons[0]


def test_topics_are_told_of_every_event(stack: StackUnderTest) -> None:
    sns, sqs = stack.cloud.client("sns"), stack.cloud.client("sqs")
    url = sqs.create_queue(QueueName=stack.name)["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
    topic = sns.create_topic(Name=stack.name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    assert stack.create(of(P=parameter("p")), NotificationARNs=[topic]) == "CREATE_COMPLETE"
    told: set[tuple[str, str]] = set()
    wanted = {("P", "CREATE_IN_PROGRESS"), ("P", "CREATE_COMPLETE"), (stack.name, "CREATE_COMPLETE")}
    for _ in range(20):
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", ()):
            lines = json.loads(message["Body"])["Message"].splitlines()
            fields = dict(line.split("=", 1) for line in lines)
            told.add((fields["LogicalResourceId"].strip("'"), fields["ResourceStatus"].strip("'")))
        if wanted <= told:
            return
    raise AssertionError(f"the topic was told only of {told}")


def test_a_stack_that_needs_what_is_not_emulated_names_it_first(stack: StackUnderTest) -> None:
    unknown = {"Type": "AWS::No::Such"}
    words = "the embedded cloud does not emulate the resource type AWS::No::Such"
    assert stack.create(of(Unknown=unknown)) == "ROLLBACK_COMPLETE"
    assert stack.describe()["StackStatusReason"] == words
    other = StackUnderTest(stack.cloud)
    assert other.create(of(P=parameter("p"))) == "CREATE_COMPLETE"
    assert other.update(of(P=parameter("p"), Unknown=unknown)) == "UPDATE_ROLLBACK_COMPLETE"
    assert other.describe()["StackStatusReason"] == words


def test_a_resource_is_described_with_its_metadata(stack: StackUnderTest) -> None:
    stack.create(of(P={**parameter("x"), "Metadata": {"Why": "a reader asks"}}, Q=parameter("y")))
    told = {
        name: stack.api.describe_stack_resource(StackName=stack.name, LogicalResourceId=name)["StackResourceDetail"]
        for name in ("P", "Q")
    }
    assert json.loads(told["P"]["Metadata"]) == {"Why": "a reader asks"}
    assert told["Q"]["Metadata"] == "{}"
