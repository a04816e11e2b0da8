"""SNS on the embedded cloud: messages reach functions, queues and people, and alarms send theirs."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.cloud.in_process import ACCOUNT, REGION, Account, account, policy, until

__all__ = ["account"]

PRINTS = "import json\ndef handler(event, context): print('GOT ' + json.dumps(event))"
METRIC = {"Namespace": "Tests", "MetricName": "Failures", "Dimensions": [{"Name": "Job", "Value": "j"}]}


def topic(account: Account, name: str, *subscriptions: tuple[str, str]) -> str:
    client = account.client("sns")
    arn: str = client.create_topic(Name=name)["TopicArn"]
    for protocol, endpoint in subscriptions:
        client.subscribe(TopicArn=arn, Protocol=protocol, Endpoint=endpoint)
    return arn


def mail_to(address: str) -> list[Any]:
    from embedded.bus import outbox

    return [mail for mail in outbox._messages if mail.to == address]


def got(account: Account, group: str) -> list[Any]:
    try:
        lines = account.log(group)
    except ClientError:
        return []
    return [json.loads(line.removeprefix("GOT ")) for line in lines if line.startswith("GOT ")]


def drops(target: str) -> list[str]:
    from embedded.bus import dropped

    return [one["reason"] for one in dropped.records() if one["target"] == target]


def test_mail_stays_in_the_outbox_as_a_readable_file(account: Account) -> None:
    from embedded.operations import find_admin

    arn = topic(account, "mail", ("email", "ada@example.com"))
    account.client("sns").publish(TopicArn=arn, Subject="Run failed: gpt", Message="It failed.\nLook here.")
    text = Path(mail_to("ada@example.com")[0].file).read_text()
    assert text.startswith("To: ada@example.com\nSubject: Run failed: gpt\n")
    assert text.endswith("\n\nIt failed.\nLook here.\n")
    verb = find_admin("outbox")
    assert verb is not None
    shown = verb({"to": "ada@example.com"})["messages"]
    assert [(one["subject"], one["topic"]) for one in shown] == [("Run failed: gpt", arn)]


def test_a_message_for_each_protocol(account: Account) -> None:
    arn = topic(account, "structured", ("email", "structured@example.com"), ("sms", "+4915112345678"))
    message = json.dumps({"default": "short", "email": "long"})
    account.client("sns").publish(TopicArn=arn, Message=message, MessageStructure="json")
    assert [mail_to("structured@example.com")[0].text, mail_to("+4915112345678")[0].text] == ["long", "short"]


def test_a_function_gets_the_message_if_its_policy_lets_sns_in(account: Account) -> None:
    function = account.function("on-message", PRINTS, account.role("on-message", "lambda"))
    arn = topic(account, "to-function", ("lambda", function))
    sns = account.client("sns")
    sns.publish(TopicArn=arn, Message="first")
    assert drops(function) == ["the policy of on-message does not let sns.amazonaws.com invoke it"]
    account.client("lambda").add_permission(
        FunctionName="on-message",
        StatementId="sns",
        Action="lambda:InvokeFunction",
        Principal="sns.amazonaws.com",
        SourceArn=arn,
    )
    attributes = {
        "level": {"DataType": "String", "StringValue": "high"},
        "raw": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    sns.publish(TopicArn=arn, Subject="s", Message="second", MessageAttributes=attributes)
    record = until(lambda: got(account, "/aws/lambda/on-message"))[0]["Records"][0]
    assert (record["EventSource"], record["Sns"]["TopicArn"]) == ("aws:sns", arn)
    assert (record["Sns"]["Subject"], record["Sns"]["Message"]) == ("s", "second")
    assert record["Sns"]["MessageAttributes"] == {
        "level": {"Type": "String", "Value": "high"},
        "raw": {"Type": "Binary", "Value": "AP8="},
    }


def test_a_queue_gets_the_message_if_its_policy_lets_sns_in(account: Account) -> None:
    sqs, sns = account.client("sqs"), account.client("sns")
    url = sqs.create_queue(QueueName="messages")["QueueUrl"]
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:messages"
    arn = topic(account, "to-queue", ("sqs", queue))
    sns.publish(TopicArn=arn, Message="first")
    assert drops(queue) == ["the queue's policy does not let sns.amazonaws.com send messages for this topic"]
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": arn}},
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(allow)})
    sns.publish(TopicArn=arn, Message="second")
    assert json.loads(sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"])["Message"] == "second"


def alarm(account: Account, name: str, arn: str, **settings: Any) -> None:
    given = {
        **METRIC,
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "AlarmActions": [arn],
        "OKActions": [arn],
    }
    account.client("cloudwatch").put_metric_alarm(AlarmName=name, **(given | settings))


def state(account: Account, name: str) -> str:
    found: str = account.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"]
    return found


def evaluate(name: str) -> str:
    from embedded.operations import find_admin

    verb = find_admin("evaluate-alarms")
    assert verb is not None
    (found,) = verb({"name": name})["alarms"].values()
    return str(found)


def test_an_alarm_fires_when_data_comes(account: Account) -> None:
    arn = topic(account, "alarms", ("email", "alarms@example.com"))
    alarm(account, "fires", arn, TreatMissingData="notBreaching")
    datum = {"MetricName": "Failures", "Dimensions": METRIC["Dimensions"], "Value": 2.0}
    account.client("cloudwatch").put_metric_data(Namespace="Tests", MetricData=[datum])
    (mail,) = until(lambda: mail_to("alarms@example.com"))
    assert mail.subject == f'ALARM: "fires" in {REGION}'
    assert json.loads(mail.text)["NewStateReason"].startswith("Threshold Crossed: 1 out of the last 1 datapoints [2]")
    assert state(account, "fires") == "ALARM"


@pytest.mark.parametrize(
    ("treat", "expected"), [("missing", "INSUFFICIENT_DATA"), ("breaching", "ALARM"), ("notBreaching", "OK")]
)
def test_missing_data(account: Account, treat: str, expected: str) -> None:
    arn = topic(account, "missing")
    alarm(account, f"treats-{treat}", arn, MetricName="Never", TreatMissingData=treat)
    assert evaluate(f"treats-{treat}") == expected


def test_an_alarm_on_metric_math(account: Account) -> None:
    arn = topic(account, "maths", ("email", "maths@example.com"))
    queries = [{"Id": "rate", "Expression": "100 * FILL(failed, 0) / started", "ReturnData": True}]
    for name in ("failed", "started"):
        stat = {"Metric": {"Namespace": "Maths", "MetricName": name}, "Period": 60, "Stat": "Sum"}
        queries.append({"Id": name, "MetricStat": stat, "ReturnData": False})  # type: ignore[dict-item]
    account.client("cloudwatch").put_metric_alarm(
        AlarmName="rate",
        Metrics=queries,
        EvaluationPeriods=1,
        Threshold=50.0,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[arn],
    )
    put = account.client("cloudwatch").put_metric_data
    put(Namespace="Maths", MetricData=[{"MetricName": "started", "Value": 4.0}])
    assert evaluate("rate") == "OK"
    put(Namespace="Maths", MetricData=[{"MetricName": "failed", "Value": 3.0}])
    assert until(lambda: mail_to("maths@example.com"))


def test_an_alarm_on_an_encrypted_topic_needs_the_key(account: Account) -> None:
    key = account.client("kms").create_key()["KeyMetadata"]["Arn"]
    arn = topic(account, "sealed", ("email", "sealed@example.com"))
    account.client("sns").set_topic_attributes(TopicArn=arn, AttributeName="KmsMasterKeyId", AttributeValue=key)
    alarm(account, "sealed", arn)
    account.client("cloudwatch").set_alarm_state(AlarmName="sealed", StateValue="ALARM", StateReason="by hand")
    assert "does not let cloudwatch.amazonaws.com do kms:Decrypt" in drops(arn)[0]
    assert mail_to("sealed@example.com") == []


def test_a_role_that_publishes_to_an_encrypted_topic_needs_its_key(account: Account) -> None:
    key = account.client("kms").create_key()["KeyMetadata"]["Arn"]
    arn = topic(account, "sealed-by-role", ("email", "by-role@example.com"))
    account.client("sns").set_topic_attributes(TopicArn=arn, AttributeName="KmsMasterKeyId", AttributeValue=key)
    code = f"""
import boto3
def handler(event, context): boto3.client('sns').publish(TopicArn='{arn}', Message='hello')
"""
    account.function("keyless", code, account.role("keyless", "lambda", allow=["sns:Publish", "logs:*"]))
    answer = account.client("lambda").invoke(FunctionName="keyless", Payload="{}")
    assert "is not authorized to perform: kms:GenerateDataKey" in answer["Payload"].read().decode()
    account.function("keyed", code, account.role("keyed", "lambda", allow=["sns:Publish", "logs:*", "kms:*"]))
    account.client("lambda").invoke(FunctionName="keyed", Payload="{}")
    assert [mail.text for mail in mail_to("by-role@example.com")] == ["hello"]
