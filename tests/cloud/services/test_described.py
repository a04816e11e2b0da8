"""What services say of things that were just made, or are not there, against what was recorded from AWS.

Recorded in localstack/localstack, tests/aws/services/**/*.snapshot.json, 2022 to 2026, read 1 December 2026.
"""

import io
import json
import uuid
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud.conftest import Cloud
from tests.support.cloud.stacks_api import StackUnderTest, Template, of

NAME = "just-made"


@pytest.mark.parametrize("operation", ["get_parameter", "delete_parameter"])
def test_a_missing_parameter_is_told_without_words(cloud: Cloud, operation: str) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(cloud.client("ssm"), operation)(Name="nobody-has-this-parameter")
    assert caught.value.response["Error"] == {"Code": "ParameterNotFound", "Message": ""}
    assert "message" not in caught.value.response


def alarm(cloud: Cloud) -> dict[str, Any]:
    found: dict[str, Any] = cloud.client("cloudwatch").describe_alarms(AlarmNames=[NAME])["MetricAlarms"][0]
    return found


def test_a_new_alarm_has_no_data(cloud: Cloud) -> None:
    cloud.client("cloudwatch").put_metric_alarm(
        AlarmName=NAME,
        Namespace="Nothing",
        MetricName="Measured",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
    new = alarm(cloud)
    assert (new["StateValue"], new["StateReason"]) == ("INSUFFICIENT_DATA", "Unchecked: Initial alarm creation")
    assert new["StateTransitionedTimestamp"] == new["StateUpdatedTimestamp"]
    assert not {"Metrics", "StateReasonData"} & set(new)
    cloud.admin("evaluate-alarms")
    checked = alarm(cloud)
    assert checked["StateValue"] == "OK"
    assert checked["StateTransitionedTimestamp"] > new["StateTransitionedTimestamp"]


def test_a_topic_has_a_delivery_policy_only_if_it_was_given(cloud: Cloud) -> None:
    sns = cloud.client("sns")
    topic = sns.create_topic(Name=NAME)["TopicArn"]
    plain = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert "DeliveryPolicy" not in plain
    http = json.loads(plain["EffectiveDeliveryPolicy"])["http"]
    assert http["defaultHealthyRetryPolicy"]["minDelayTarget"] == 20
    assert http["defaultRequestPolicy"] == {"headerContentType": "text/plain; charset=UTF-8"}
    policy = {"http": {"defaultHealthyRetryPolicy": {"minDelayTarget": 5}}}
    sns.set_topic_attributes(TopicArn=topic, AttributeName="DeliveryPolicy", AttributeValue=json.dumps(policy))
    given = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert json.loads(given["DeliveryPolicy"]) == policy
    effective = json.loads(given["EffectiveDeliveryPolicy"])["http"]["defaultHealthyRetryPolicy"]
    assert (effective["minDelayTarget"], effective["maxDelayTarget"]) == (5, 20)


def test_a_table_has_an_id_and_no_empty_lists(cloud: Cloud) -> None:
    dynamodb = cloud.client("dynamodb")
    key: dict[str, Any] = {
        "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
    }
    throughput = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    made = dynamodb.create_table(TableName=NAME, ProvisionedThroughput=throughput, **key)["TableDescription"]
    found = dynamodb.describe_table(TableName=NAME)["Table"]
    assert uuid.UUID(found["TableId"]) == uuid.UUID(made["TableId"])
    assert not {"BillingModeSummary", "GlobalSecondaryIndexes", "LocalSecondaryIndexes"} & set(found)
    dynamodb.create_table(TableName=f"{NAME}-2", BillingMode="PAY_PER_REQUEST", **key)
    summary = dynamodb.describe_table(TableName=f"{NAME}-2")["Table"]["BillingModeSummary"]
    assert summary["BillingMode"] == "PAY_PER_REQUEST"
    assert "LastUpdateToPayPerRequestDateTime" in summary


def test_a_route_table_lists_no_gateways(cloud: Cloud) -> None:
    ec2 = cloud.client("ec2")
    network = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    made = ec2.create_route_table(VpcId=network)["RouteTable"]
    (found,) = ec2.describe_route_tables(RouteTableIds=[made["RouteTableId"]])["RouteTables"]
    assert (made["PropagatingVgws"], found["PropagatingVgws"]) == ([], [])


def test_a_schedule_says_what_becomes_of_it(cloud: Cloud) -> None:
    scheduler, iam = cloud.client("scheduler"), cloud.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=f"{NAME}-schedules", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    scheduler.create_schedule(
        Name=NAME,
        ScheduleExpression="rate(1 day)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": "arn:aws:sqs:us-east-1:123456789012:nobody", "RoleArn": role},
        State="DISABLED",
    )
    assert scheduler.get_schedule(Name=NAME)["ActionAfterCompletion"] == "NONE"


def function(**properties: Any) -> Template:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]}}
    code = {"ZipFile": "def handler(event, context): pass"}
    basics = {"Runtime": "python3.11", "Handler": "index.handler", "Code": code, "Role": {"Fn::GetAtt": "R.Arn"}}
    return of(
        R={"Type": "AWS::IAM::Role", "Properties": role},
        F={"Type": "AWS::Lambda::Function", "Properties": basics | properties},
    )


def test_a_function_has_revisions_and_levels_of_its_log(cloud: Cloud) -> None:
    stack, client = StackUnderTest(cloud), cloud.client("lambda")
    assert stack.create(function(LoggingConfig={"LogFormat": "JSON"})) == "CREATE_COMPLETE"
    first = client.get_function_configuration(FunctionName=stack.physical_id("F"))
    uuid.UUID(first["RevisionId"])
    assert "Layers" not in first
    assert (first["State"], first["LastUpdateStatus"]) == ("Active", "Successful")
    assert ":runtime:" in first["RuntimeVersionConfig"]["RuntimeVersionArn"]
    for listed in (
        client.list_functions()["Functions"],
        client.list_versions_by_function(FunctionName=stack.physical_id("F"))["Versions"],
    ):
        assert listed
        assert not {"State", "LastUpdateStatus", "RuntimeVersionConfig"} & {name for one in listed for name in one}
    levels = {first["LoggingConfig"][name] for name in ("ApplicationLogLevel", "SystemLogLevel")}
    assert levels == {"INFO"}
    assert stack.update(function(LoggingConfig={"LogFormat": "Text"})) == "UPDATE_COMPLETE"
    second = client.get_function_configuration(FunctionName=stack.physical_id("F"))
    assert second["RevisionId"] != first["RevisionId"]
    assert set(second["LoggingConfig"]) == {"LogFormat", "LogGroup"}


def test_a_layer_has_the_name_that_the_template_gives(cloud: Cloud) -> None:
    s3, stack = cloud.client("s3"), StackUnderTest(cloud)
    s3.create_bucket(Bucket=f"{stack.name}-layers")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("python/module.py", "")
    s3.put_object(Bucket=f"{stack.name}-layers", Key="layer.zip", Body=packed.getvalue())
    content = {"S3Bucket": f"{stack.name}-layers", "S3Key": "layer.zip"}
    layer = {"Type": "AWS::Lambda::LayerVersion", "Properties": {"LayerName": stack.name, "Content": content}}
    assert stack.create(of(L=layer)) == "CREATE_COMPLETE"
    assert stack.physical_id("L").endswith(f":layer:{stack.name}:1")
    assert stack.delete() == "DELETE_COMPLETE"


def test_a_security_group_in_no_network_is_known_by_its_name(cloud: Cloud) -> None:
    """Recorded in July 2024, and in the reference of `AWS::EC2::SecurityGroup` under Ref."""

    def template(rule: int) -> Template:
        rules = [{"IpProtocol": "tcp", "FromPort": rule, "ToPort": rule, "CidrIp": "10.0.0.0/8"}]
        properties = {"GroupDescription": "one", "SecurityGroupIngress": rules}
        return of(G={"Type": "AWS::EC2::SecurityGroup", "Properties": properties}) | {
            "Outputs": {"Ref": {"Value": {"Ref": "G"}}, "Id": {"Value": {"Fn::GetAtt": "G.GroupId"}}}
        }

    stack, ec2 = StackUnderTest(cloud), cloud.client("ec2")
    assert stack.create(template(80)) == "CREATE_COMPLETE"
    assert stack.update(template(443)) == "UPDATE_COMPLETE"
    outputs = stack.outputs()
    (group,) = ec2.describe_security_groups(GroupIds=[outputs["Id"]])["SecurityGroups"]
    assert outputs["Ref"] == group["GroupName"] == stack.physical_id("G")
    assert [rule["FromPort"] for rule in group["IpPermissions"]] == [443]
    assert stack.delete() == "DELETE_COMPLETE"
    named = [{"Name": "group-name", "Values": [outputs["Ref"]]}]
    assert ec2.describe_security_groups(Filters=named)["SecurityGroups"] == []


def test_what_a_stack_makes_says_whose_it_is(cloud: Cloud) -> None:
    stack = StackUnderTest(cloud)

    def template(*given: dict[str, str]) -> Template:
        group = {"GroupDescription": "one", "Tags": list(given), "VpcId": {"Ref": "N"}}
        return of(
            **function()["Resources"],
            N={"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
            G={"Type": "AWS::EC2::SecurityGroup", "Properties": group},
            S={"Type": "AWS::SecretsManager::Secret", "Properties": {}},
        )

    assert stack.create(template({"Key": "team", "Value": "vision"})) == "CREATE_COMPLETE"

    def tags(name: str) -> dict[str, str]:
        found = stack.physical_id(name)
        if name == "F":
            return dict(cloud.client("lambda").get_function(FunctionName=found)["Tags"])
        if name == "S":
            listed = cloud.client("secretsmanager").describe_secret(SecretId=found)["Tags"]
        else:
            filters = [{"Name": "resource-id", "Values": [found]}]
            listed = cloud.client("ec2").describe_tags(Filters=filters)["Tags"]
        return {item["Key"]: item["Value"] for item in listed}

    arn = stack.describe()["StackId"]
    for name in ("N", "G", "F", "S"):
        whose = {key.rpartition(":")[2]: value for key, value in tags(name).items() if key.startswith("aws:")}
        assert whose == {"stack-name": stack.name, "logical-id": name, "stack-id": arn}
    assert stack.update(template()) == "UPDATE_COMPLETE"
    assert len(tags("G")) == 3
    role = cloud.client("iam").get_role(RoleName=stack.physical_id("R"))["Role"]
    assert role["Description"] == ""
    function_name = stack.physical_id("F")
    version = cloud.client("lambda").publish_version(FunctionName=function_name)["Version"]
    assert "Tags" not in cloud.client("lambda").get_function(FunctionName=function_name, Qualifier=version)


def test_a_topic_of_another_region_is_subscribed_to_there(cloud: Cloud) -> None:
    """Recorded in May 2025: test_sns.snapshot.json."""
    sns, stack = cloud.client("sns", region="eu-west-1"), StackUnderTest(cloud)
    topic = sns.create_topic(Name=NAME)["TopicArn"]

    def template(**more: str) -> Template:
        where = {"TopicArn": topic, "Region": "eu-west-1", "Protocol": "email", "Endpoint": "one@example.com"}
        return of(S={"Type": "AWS::SNS::Subscription", "Properties": where | more})

    assert stack.create(template()) == "CREATE_COMPLETE"
    (found,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert (found["Protocol"], found["SubscriptionArn"]) == ("email", stack.physical_id("S"))
    assert stack.update(template(RawMessageDelivery="true")) == "UPDATE_COMPLETE"
    assert stack.delete() == "DELETE_COMPLETE"
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
