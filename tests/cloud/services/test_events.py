"""EventBridge on the embedded cloud: which events reach which targets, in what form, and what stops them."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.cloud.in_process import ACCOUNT, REGION, Account, account, policy, until

__all__ = ["account"]

PRINTS = "import json\ndef handler(event, context): print('GOT ' + json.dumps(event))"


def job_event(status: str = "Failed", name: str = "j") -> dict[str, Any]:
    detail = {"TrainingJobName": name, "TrainingJobStatus": status}
    return {"source": "aws.sagemaker", "detail-type": "SageMaker Training Job State Change", "detail": detail}


def rule(account: Account, name: str, *targets: dict[str, Any], pattern: Any = None, **settings: Any) -> str:
    operations = account.client("events")
    wanted = {"source": ["aws.sagemaker"], "detail": {"TrainingJobName": [name]}} if pattern is None else pattern
    settings = settings or {"EventPattern": json.dumps(wanted)}
    arn: str = operations.put_rule(Name=name, **settings)["RuleArn"]
    operations.put_targets(Rule=name, Targets=[{"Id": str(index), **one} for index, one in enumerate(targets)])
    return arn


def publish(event: dict[str, Any]) -> None:
    from embedded.bus import events

    events.publish(ACCOUNT, REGION, event)


def queue(account: Account, name: str, service: str | None = "events.amazonaws.com", **attributes: str) -> str:
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    if service is not None:
        statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sqs:SendMessage", "Resource": arn}
        attributes["Policy"] = policy(statement)
    account.client("sqs").create_queue(QueueName=name, Attributes=attributes)
    return arn


def received(account: Account, name: str) -> str:
    client = account.client("sqs")
    url = client.get_queue_url(QueueName=name)["QueueUrl"]
    body: str = until(lambda: client.receive_message(QueueUrl=url).get("Messages"))[0]["Body"]
    return body


def drop_of(target: str) -> str:
    from embedded.bus import dropped

    def found() -> str | None:
        return next((one["reason"] for one in reversed(dropped.records()) if one["target"] == target), None)

    reason: str = until(found)
    return reason


def test_a_state_change_reaches_a_function(account: Account) -> None:
    arn = account.function("on-event", PRINTS, account.role("on-event", "lambda"))
    rule_arn = rule(account, "to-function", {"Arn": arn})
    publish(job_event(name="to-function"))
    assert "does not let events.amazonaws.com invoke it" in drop_of(arn)
    account.client("lambda").add_permission(
        FunctionName="on-event",
        StatementId="events",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule_arn,
    )
    publish(job_event(name="to-function"))
    line = until(lambda: [line for line in log_or_nothing(account, "/aws/lambda/on-event") if "GOT" in line])[0]
    event = json.loads(line.removeprefix("GOT "))
    assert (event["account"], event["region"], event["version"]) == (ACCOUNT, REGION, "0")
    assert event["detail"]["TrainingJobStatus"] == "Failed"


def log_or_nothing(account: Account, group: str) -> list[str]:
    try:
        return account.log(group)
    except ClientError:
        return []


def test_inputs_are_transformed(account: Account) -> None:
    transformer = {
        "InputPathsMap": {"job": "$.detail.TrainingJobName", "detail": "$.detail", "none": "$.detail.Absent"},
        "InputTemplate": '{"text": "job <job> of <aws.events.rule-name>", "detail": <detail>, "none": <none>}',
    }
    targets = [
        {"Arn": queue(account, "whole"), "InputTransformer": transformer},
        {"Arn": queue(account, "part"), "InputPath": "$.detail.TrainingJobName"},
        {"Arn": queue(account, "constant"), "Input": '{"fixed": true}'},
    ]
    rule(account, "transforms", *targets)
    publish(job_event(name="transforms"))
    assert json.loads(received(account, "whole")) == {
        "text": "job transforms of transforms",
        "detail": {"TrainingJobName": "transforms", "TrainingJobStatus": "Failed"},
        "none": "",
    }
    assert received(account, "part") == '"transforms"'
    assert received(account, "constant") == '{"fixed": true}'


def test_what_does_not_match_is_not_delivered(account: Account) -> None:
    arn = queue(account, "finished")
    wanted = {"source": ["aws.sagemaker"], "detail": {"TrainingJobStatus": [{"anything-but": ["InProgress"]}]}}
    rule(account, "finished", {"Arn": arn}, pattern=wanted)
    publish(job_event("InProgress", "not-this"))
    publish(job_event("Completed", "this"))
    assert json.loads(received(account, "finished"))["detail"]["TrainingJobName"] == "this"


@pytest.mark.parametrize("verb", ["put_rule", "test_event_pattern"])
def test_a_pattern_that_is_none_is_refused_with_the_reason(account: Account, verb: str) -> None:
    events = account.client("events")
    event = {"id": "1", "account": ACCOUNT, "source": "x", "time": "2026-01-01T00:00:00Z", "region": REGION}
    given = {"Name": "refused"} if verb == "put_rule" else {"Event": json.dumps({**event, "detail-type": "x"})}
    with pytest.raises(events.exceptions.InvalidEventPatternException, match="prefix match pattern must be a string"):
        getattr(events, verb)(EventPattern='{"source": [{"prefix": 1}]}', **given)


@pytest.mark.parametrize("event", ["text", "[]", '{"source": "x"}'])
def test_what_is_no_event_is_refused(account: Account, event: str) -> None:
    events = account.client("events")
    with pytest.raises(ClientError, match=r"ValidationException.*Parameter Event is not valid\."):
        events.test_event_pattern(Event=event, EventPattern='{"source": ["x"]}')


def test_a_queue_that_does_not_let_the_service_in(account: Account) -> None:
    arn = queue(account, "closed", service=None)
    dead = queue(account, "closed-dead")
    rule(account, "closed", {"Arn": arn, "DeadLetterConfig": {"Arn": dead}})
    publish(job_event(name="closed"))
    assert drop_of(arn) == "the queue's policy does not let events.amazonaws.com send messages"
    assert json.loads(received(account, "closed-dead"))["detail"]["TrainingJobName"] == "closed"


def test_an_encrypted_topic_needs_the_key_policy_too(account: Account) -> None:
    from embedded.bus import outbox

    sns, kms = account.client("sns"), account.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    topic = sns.create_topic(Name="encrypted", Attributes={"KmsMasterKeyId": key})["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="encrypted@example.com")
    rule(account, "encrypted", {"Arn": topic})
    publish(job_event(name="encrypted"))
    assert drop_of(topic) == "the topic's policy does not let events.amazonaws.com publish"
    principal = {"Service": "events.amazonaws.com"}
    allow = {"Effect": "Allow", "Principal": principal, "Action": "sns:Publish", "Resource": topic}
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy(allow))
    publish(job_event(name="encrypted"))
    until(lambda: key in drop_of(topic))
    allow = {"Effect": "Allow", "Principal": principal, "Action": ["kms:Decrypt", "kms:GenerateDataKey*"]}
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy(allow | {"Resource": "*"}))
    publish(job_event(name="encrypted"))
    mail = until(lambda: [mail for mail in outbox._messages if mail.to == "encrypted@example.com"])
    assert json.loads(mail[0].text)["detail"]["TrainingJobName"] == "encrypted"


def test_a_machine_is_started_in_the_rules_role(account: Account) -> None:
    machine_role = account.role("started-machine", "states")
    client = account.client("stepfunctions")
    definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    machine = client.create_state_machine(name="started", roleArn=machine_role, definition=definition)[
        "stateMachineArn"
    ]
    powerless = account.role("powerless", "events", allow="sqs:*")
    rule(account, "starts", {"Arn": machine, "RoleArn": powerless})
    publish(job_event(name="starts"))
    assert "is not allowed states:StartExecution" in drop_of(machine)
    rule(account, "starts", {"Arn": machine, "RoleArn": account.role("starter", "events")})
    publish(job_event(name="starts"))
    execution = until(lambda: client.list_executions(stateMachineArn=machine)["executions"])[0]
    given = json.loads(client.describe_execution(executionArn=execution["executionArn"])["input"])
    assert given["detail"]["TrainingJobName"] == "starts"


def test_a_log_group_needs_a_resource_policy(account: Account) -> None:
    logs = account.client("logs")
    logs.create_log_group(logGroupName="/aws/events/jobs")
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/events/jobs"
    rule(account, "logs", {"Arn": arn})
    publish(job_event(name="logs"))
    assert "no resource policy" in drop_of(arn)
    principal = {"Service": ["events.amazonaws.com", "delivery.logs.amazonaws.com"]}
    actions = ["logs:CreateLogStream", "logs:PutLogEvents"]
    allow = {"Effect": "Allow", "Principal": principal, "Action": actions, "Resource": f"{arn}:*"}
    logs.put_resource_policy(policyName="events", policyDocument=policy(allow))
    publish(job_event(name="logs"))
    assert "logs" in until(lambda: account.log("/aws/events/jobs"))[0]


def test_a_users_events(account: Account) -> None:
    arn = queue(account, "own")
    rule(account, "own", {"Arn": arn}, pattern={"source": ["team.training"]})
    entry = {"Source": "team.training", "DetailType": "note", "Detail": '{"n": 1}'}
    wrong = [entry | {"Source": "aws.sagemaker"}, entry | {"Detail": "["}, entry | {"Source": ""}]
    answer = account.client("events").put_events(Entries=[entry, *wrong])
    codes = [one.get("ErrorCode") for one in answer["Entries"]]
    assert codes == [None, "NotAuthorizedForSourceException", "MalformedDetail", "InvalidArgument"]
    assert answer["FailedEntryCount"] == 3
    assert json.loads(received(account, "own"))["detail"] == {"n": 1}


def test_a_scheduled_rule_is_fired_by_hand(account: Account) -> None:
    from embedded.operations import ServiceError, find_admin

    fire = find_admin("fire")
    assert fire is not None
    arn = queue(account, "daily")
    rule_arn = rule(account, "daily", {"Arn": arn}, ScheduleExpression="rate(1 day)")
    assert fire({"rule": "daily"})["targets"] == [{"target": arn, "delivered": True, "reason": None}]
    event = json.loads(received(account, "daily"))
    assert (event["source"], event["detail-type"]) == ("aws.events", "Scheduled Event")
    assert event["resources"] == [rule_arn]
    account.client("events").disable_rule(Name="daily")
    with pytest.raises(ServiceError, match="is disabled"):
        fire({"rule": "daily"})
    with pytest.raises(ServiceError, match=r"no rule 'dayly'; rules:.*daily"):
        fire({"rule": "dayly"})
