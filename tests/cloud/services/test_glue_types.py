"""Resources that tie others together: queues, buses, tables, versions and policies, made and changed by a stack."""

import json
import urllib.request
from typing import Any

import pytest

from tests.cloud.conftest import ACCOUNT, REGION, Cloud
from tests.support.cloud.in_process import policy, until
from tests.support.cloud.stacks_api import StackUnderTest, of


@pytest.fixture
def stack(cloud: Cloud) -> StackUnderTest:
    return StackUnderTest(cloud)


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def statement(action: str, target: Any, **more: Any) -> dict[str, Any]:
    principal = {"Service": "events.amazonaws.com"}
    return {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": target, **more}


def queue_attributes(stack: StackUnderTest, url: str) -> dict[str, str]:
    found: dict[str, str] = stack.cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])[
        "Attributes"
    ]
    return found


def test_a_queue_with_dead_letters_and_a_policy(stack: StackUnderTest) -> None:
    def template(**changed: Any) -> dict[str, Any]:
        redrive = {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": 3}
        allowed = statement("sqs:SendMessage", {"Fn::GetAtt": ["Queue", "Arn"]})
        document = {"Version": "2012-10-17", "Statement": [allowed]}
        return of(
            Dead=resource("SQS::Queue"),
            Queue=resource("SQS::Queue", RedrivePolicy=redrive, Tags=[{"Key": "a", "Value": "b"}], **changed),
            Policy=resource("SQS::QueuePolicy", Queues=[{"Ref": "Queue"}], PolicyDocument=document),
        )

    assert stack.create(template(VisibilityTimeout=90)) == "CREATE_COMPLETE"
    url = stack.physical_id("Queue")
    found = queue_attributes(stack, url)
    assert found["VisibilityTimeout"] == "90"
    assert json.loads(found["Policy"])["Statement"][0]["Resource"] == found["QueueArn"]
    assert json.loads(found["RedrivePolicy"])["deadLetterTargetArn"].endswith(stack.physical_id("Dead").split("/")[-1])
    assert stack.update(template(DelaySeconds=2)) == "UPDATE_COMPLETE"
    changed = queue_attributes(stack, url)
    assert (changed["DelaySeconds"], changed["VisibilityTimeout"]) == ("2", "30")
    assert stack.delete() == "DELETE_COMPLETE"
    assert stack.cloud.client("sqs").list_queues(QueueNamePrefix=url.split("/")[-1]).get("QueueUrls", []) == []


def test_a_stack_does_not_take_over_a_queue_that_is_there(stack: StackUnderTest) -> None:
    name = f"{stack.name}-there"
    stack.cloud.client("sqs").create_queue(QueueName=name)
    assert stack.create(of(Queue=resource("SQS::Queue", QueueName=name))) == "ROLLBACK_COMPLETE"
    assert any(f"with identifier '{name}' already exists" in why for _, _, why in stack.history())
    assert stack.cloud.client("sqs").get_queue_url(QueueName=name)


def test_fifo_queues_and_topics_are_named_as_such(stack: StackUnderTest) -> None:
    template = of(
        Queue=resource("SQS::Queue", FifoQueue=True, ContentBasedDeduplication=True),
        Topic=resource("SNS::Topic", FifoTopic=True, ContentBasedDeduplication=True),
    )
    assert stack.create(template) == "CREATE_COMPLETE"
    assert stack.physical_id("Queue").endswith(".fifo")
    topic = stack.cloud.client("sns").get_topic_attributes(TopicArn=stack.physical_id("Topic"))["Attributes"]
    assert (topic["FifoTopic"], topic["ContentBasedDeduplication"]) == ("true", "true")


def test_a_topic_with_its_subscriptions(stack: StackUnderTest) -> None:
    inline = [{"Protocol": "sqs", "Endpoint": {"Fn::GetAtt": ["Queue", "Arn"]}}]
    template = of(Queue=resource("SQS::Queue"), Topic=resource("SNS::Topic", Subscription=inline))
    assert stack.create(template) == "CREATE_COMPLETE"
    found = stack.cloud.client("sns").list_subscriptions_by_topic(TopicArn=stack.physical_id("Topic"))["Subscriptions"]
    assert [item["Endpoint"].split(":")[-1] for item in found] == [stack.physical_id("Queue").split("/")[-1]]


def test_a_bus_with_a_rule_and_a_policy(stack: StackUnderTest) -> None:
    name = f"{stack.name}-bus"
    arn = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{name}"

    def template(action: str) -> dict[str, Any]:
        allowed = {"Effect": "Allow", "Principal": "*", "Action": action, "Resource": arn}
        return of(
            Bus=resource("Events::EventBus", Name=name),
            Rule=resource("Events::Rule", EventBusName={"Ref": "Bus"}, EventPattern={"source": ["x"]}),
            Allows=resource(
                "Events::EventBusPolicy", EventBusName={"Ref": "Bus"}, StatementId="ours", Statement=allowed
            ),
        )

    assert stack.create(template("events:PutEvents")) == "CREATE_COMPLETE"
    events = stack.cloud.client("events")
    (rule,) = events.list_rules(EventBusName=name)["Rules"]
    assert stack.physical_id("Rule") == f"{name}|{rule['Name']}"
    assert stack.update(template("events:PutRule")) == "UPDATE_COMPLETE"
    (found,) = json.loads(events.describe_event_bus(Name=name)["Policy"])["Statement"]
    assert (found["Sid"], found["Action"]) == ("ours", "events:PutRule")
    assert stack.delete() == "DELETE_COMPLETE"
    assert name not in {bus["Name"] for bus in events.list_event_buses()["EventBuses"]}


def test_a_table_that_grows_an_index(stack: StackUnderTest) -> None:
    def key(name: str) -> list[dict[str, str]]:
        return [{"AttributeName": name, "KeyType": "HASH"}]

    def template(*indexed: str, **more: Any) -> dict[str, Any]:
        attributes = [{"AttributeName": name, "AttributeType": "S"} for name in ("id", *indexed)]
        indexes = [
            {"IndexName": f"by-{name}", "KeySchema": key(name), "Projection": {"ProjectionType": "ALL"}}
            for name in indexed
        ]
        return of(
            Table=resource(
                "DynamoDB::Table",
                AttributeDefinitions=attributes,
                KeySchema=key("id"),
                BillingMode="PAY_PER_REQUEST",
                **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
                **more,
            )
        )

    life = {"AttributeName": "until", "Enabled": True}
    stream = {"StreamViewType": "NEW_IMAGE"}
    first = template(TimeToLiveSpecification=life, StreamSpecification=stream, Tags=[{"Key": "a", "Value": "b"}])
    assert stack.create(first) == "CREATE_COMPLETE"
    client, name = stack.cloud.client("dynamodb"), stack.physical_id("Table")
    client.put_item(TableName=name, Item={"id": {"S": "1"}, "kind": {"S": "k"}})
    assert client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["TimeToLiveStatus"] == "ENABLED"
    recovery = {"PointInTimeRecoveryEnabled": True}
    second = template(
        "kind", TimeToLiveSpecification=life, StreamSpecification=stream, PointInTimeRecoverySpecification=recovery
    )
    assert stack.update(second) == "UPDATE_COMPLETE"
    found = client.query(
        TableName=name,
        IndexName="by-kind",
        KeyConditionExpression="kind = :k",
        ExpressionAttributeValues={":k": {"S": "k"}},
    )
    assert found["Count"] == 1
    assert stack.delete() == "DELETE_COMPLETE"
    assert name not in client.list_tables()["TableNames"]


def test_a_secret_from_a_template_and_its_policy(stack: StackUnderTest) -> None:
    generated = {"SecretStringTemplate": '{"user": "me"}', "GenerateStringKey": "password", "PasswordLength": 20}
    allowed = {"Effect": "Deny", "Principal": "*", "Action": "secretsmanager:DeleteSecret", "Resource": "*"}
    template = of(
        Secret=resource("SecretsManager::Secret", GenerateSecretString=generated),
        Policy=resource(
            "SecretsManager::ResourcePolicy",
            SecretId={"Ref": "Secret"},
            ResourcePolicy={"Version": "2012-10-17", "Statement": [allowed]},
        ),
    )
    assert stack.create(template) == "CREATE_COMPLETE"
    client, arn = stack.cloud.client("secretsmanager"), stack.physical_id("Secret")
    value = json.loads(client.get_secret_value(SecretId=arn)["SecretString"])
    assert (value["user"], len(value["password"])) == ("me", 20)
    document = json.loads(client.get_resource_policy(SecretId=arn)["ResourcePolicy"])
    assert document["Statement"][0]["Action"] == "secretsmanager:DeleteSecret"


def test_an_alias_moves_from_version_to_version(stack: StackUnderTest) -> None:
    trust = json.loads(
        policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}})
    )

    def template(answer: str, version: str) -> dict[str, Any]:
        code = {"ZipFile": f"def handler(event, context): return '{answer} ' + context.function_version"}
        found = of(
            Role=resource("IAM::Role", AssumeRolePolicyDocument=trust),
            Function=resource(
                "Lambda::Function",
                Code=code,
                Handler="index.handler",
                Runtime="python3.13",
                Role={"Fn::GetAtt": ["Role", "Arn"]},
            ),
            Alias=resource(
                "Lambda::Alias",
                FunctionName={"Ref": "Function"},
                FunctionVersion={"Fn::GetAtt": [version, "Version"]},
                Name="live",
            ),
        )
        kept = {**resource("Lambda::Version", FunctionName={"Ref": "Function"}), "DeletionPolicy": "Retain"}
        return {"Resources": {**found["Resources"], version: kept}}

    def answer() -> str:
        payload = stack.cloud.client("lambda").invoke(FunctionName=stack.physical_id("Alias"))["Payload"].read()
        return str(json.loads(payload))

    assert stack.create(template("first", "V1")) == "CREATE_COMPLETE"
    assert answer() == "first 1"
    assert stack.update(template("second", "V2")) == "UPDATE_COMPLETE"
    assert answer() == "second 2"
    name = stack.physical_id("Function")
    kept = stack.cloud.client("lambda").invoke(FunctionName=name, Qualifier="1")["Payload"].read()
    assert json.loads(kept) == "first 1"


def test_a_version_of_an_unchanged_function_is_refused(stack: StackUnderTest) -> None:
    trust = json.loads(
        policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}})
    )
    version = resource("Lambda::Version", FunctionName={"Ref": "Function"})
    template = of(
        Role=resource("IAM::Role", AssumeRolePolicyDocument=trust),
        Function=resource(
            "Lambda::Function",
            Code={"ZipFile": "def handler(event, context): return 1"},
            Handler="index.handler",
            Runtime="python3.13",
            Role={"Fn::GetAtt": ["Role", "Arn"]},
        ),
        V1=version,
        V2={**version, "DependsOn": "V1"},
    )
    assert stack.create(template) == "ROLLBACK_COMPLETE"
    assert any("A version for this Lambda function exists ( 1 )" in why for _, _, why in stack.history())


def test_a_function_with_a_url_a_queue_and_a_schedule(stack: StackUnderTest) -> None:
    code = "import json\ndef handler(event, context):\n    print('GOT ' + json.dumps(event))\n    return 'hello'\n"
    services = ["lambda.amazonaws.com", "scheduler.amazonaws.com"]
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": services}}
    allowed = [{"Effect": "Allow", "Action": ["sqs:*", "logs:*", "lambda:InvokeFunction"], "Resource": "*"}]
    arn = {"Fn::GetAtt": ["Function", "Arn"]}

    def template(size: int, **schedule: Any) -> dict[str, Any]:
        open_to = {"FunctionName": arn, "Principal": "*"}
        target = {"Arn": arn, "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]}, "Input": '{"from": "a schedule"}'}
        when = {"ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": {"Mode": "OFF"}} | schedule
        return of(
            Role=resource(
                "IAM::Role",
                AssumeRolePolicyDocument={"Version": "2012-10-17", "Statement": [trust]},
                Policies=[{"PolicyName": "all", "PolicyDocument": {"Version": "2012-10-17", "Statement": allowed}}],
            ),
            Function=resource(
                "Lambda::Function",
                Code={"ZipFile": code},
                Handler="index.handler",
                Runtime="python3.13",
                Role={"Fn::GetAtt": ["Role", "Arn"]},
            ),
            Url=resource("Lambda::Url", TargetFunctionArn=arn, AuthType="NONE"),
            MayUrl=resource(
                "Lambda::Permission", Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE", **open_to
            ),
            MayCall=resource(
                "Lambda::Permission", Action="lambda:InvokeFunction", InvokedViaFunctionUrl=True, **open_to
            ),
            Queue=resource("SQS::Queue"),
            Source=resource(
                "Lambda::EventSourceMapping",
                EventSourceArn={"Fn::GetAtt": ["Queue", "Arn"]},
                FunctionName={"Ref": "Function"},
                BatchSize=size,
            ),
            Group=resource("Scheduler::ScheduleGroup"),
            Schedule=resource("Scheduler::Schedule", GroupName={"Ref": "Group"}, Target=target, **when),
        )

    assert stack.create(template(5)) == "CREATE_COMPLETE"
    client = stack.cloud.client("lambda")
    name = stack.physical_id("Function")
    url = client.get_function_url_config(FunctionName=name)["FunctionUrl"]
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"hello"
    stack.cloud.client("sqs").send_message(QueueUrl=stack.physical_id("Queue"), MessageBody="from a queue")
    logs = stack.cloud.client("logs")

    def told(words: str) -> bool:
        found = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}", filterPattern="GOT")["events"]
        return any(words in one["message"] for one in found)

    until(lambda: told("from a queue") and told("a schedule"))
    assert stack.update(template(7, State="DISABLED")) == "UPDATE_COMPLETE"
    mapping = client.get_event_source_mapping(UUID=stack.physical_id("Source"))
    assert (mapping["BatchSize"], mapping["State"]) == (7, "Enabled")
    where = {"Name": stack.physical_id("Schedule"), "GroupName": stack.physical_id("Group")}
    assert stack.cloud.client("scheduler").get_schedule(**where)["State"] == "DISABLED"
    assert stack.delete() == "DELETE_COMPLETE"
    assert client.list_event_source_mappings()["EventSourceMappings"] == []
