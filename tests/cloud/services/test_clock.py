"""The one clock on the embedded cloud: what goes by it, and when."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud.services.test_events import queue, received, rule
from tests.support.cloud.in_process import ACCOUNT, REGION, Account, account, until

__all__ = ["account"]


@pytest.fixture(autouse=True)
def one_to_one() -> Iterator[None]:
    yield
    run_at(1)


def run_at(rate: float) -> None:
    from embedded.operations import find_admin

    verb = find_admin("clock")
    assert verb is not None
    assert verb({"rate": f"{rate:g}x"})["clock"] == f"{rate:g}x"


def messages(account: Account, name: str) -> int:
    client = account.client("sqs")
    url = client.get_queue_url(QueueName=name)["QueueUrl"]
    wanted = ["ApproximateNumberOfMessages"]
    found = client.get_queue_attributes(QueueUrl=url, AttributeNames=wanted)["Attributes"]
    return int(found["ApproximateNumberOfMessages"])


def test_the_status_shows_it(account: Account) -> None:
    from embedded.operations import find_admin

    status = find_admin("status")
    assert status is not None
    run_at(60)
    assert status({})["clock"] == "60x"


def test_a_rule_fires_by_its_schedule_and_not_before(account: Account) -> None:
    arn = queue(account, "each-minute")
    rule(account, "each-minute", {"Arn": arn}, ScheduleExpression="rate(1 minute)")
    time.sleep(0.6)
    assert messages(account, "each-minute") == 0, "a rule begins with a wait"
    run_at(240)
    until(lambda: messages(account, "each-minute") >= 3)
    event = json.loads(received(account, "each-minute"))
    assert abs(time.time() - _stamp(event["time"])) < 30, "the times of events are the machine's"
    account.client("events").disable_rule(Name="each-minute")
    time.sleep(0.5)
    fired = messages(account, "each-minute")
    time.sleep(0.6)
    assert messages(account, "each-minute") == fired


def _stamp(text: str) -> float:
    import calendar

    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


@pytest.mark.parametrize("text", ["rate(1 minutes)", "cron(0 10 * * * *)", "at(2030-01-01T00:00:00)"])
def test_a_schedule_that_is_none_is_refused(account: Account, text: str) -> None:
    with pytest.raises(ClientError, match="Parameter ScheduleExpression is not valid"):
        account.client("events").put_rule(Name="wrong", ScheduleExpression=text)


def test_an_alarm_notices_that_data_stays_away(account: Account) -> None:
    client = account.client("cloudwatch")
    client.put_metric_alarm(
        AlarmName="silence",
        Namespace="Tests",
        MetricName="Beats",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=2,
        Threshold=1.0,
        ComparisonOperator="LessThanThreshold",
        TreatMissingData="breaching",
    )

    def state() -> str:
        return str(client.describe_alarms(AlarmNames=["silence"])["MetricAlarms"][0]["StateValue"])

    client.put_metric_data(Namespace="Tests", MetricData=[{"MetricName": "Beats", "Value": 1.0}])
    until(lambda: state() == "OK")
    run_at(120)
    until(lambda: state() == "ALARM")


def test_a_received_message_comes_back_when_its_time_is_over(account: Account) -> None:
    client = account.client("sqs")
    url = client.create_queue(QueueName="comes-back", Attributes={"VisibilityTimeout": "600"})["QueueUrl"]
    client.send_message(QueueUrl=url, MessageBody="again")
    first = client.receive_message(QueueUrl=url, AttributeNames=["SentTimestamp"])["Messages"][0]
    assert abs(int(first["Attributes"]["SentTimestamp"]) / 1000 - time.time()) < 30
    assert "Messages" not in client.receive_message(QueueUrl=url)
    run_at(600)
    until(lambda: client.receive_message(QueueUrl=url).get("Messages"))


def machine(account: Account, name: str, states: dict[str, Any]) -> str:
    role = account.role(name, "states")
    definition = json.dumps({"StartAt": next(iter(states)), "States": states})
    made = account.client("stepfunctions").create_state_machine(name=name, definition=definition, roleArn=role)
    return str(account.client("stepfunctions").start_execution(stateMachineArn=made["stateMachineArn"])["executionArn"])


def test_waits_of_a_machine_keep_their_order(account: Account) -> None:
    def branch(name: str, seconds: int) -> dict[str, Any]:
        return {"StartAt": name, "States": {name: {"Type": "Wait", "Seconds": seconds, "End": True}}}

    run_at(100)
    states = {"Both": {"Type": "Parallel", "Branches": [branch("Long", 300), branch("Short", 100)], "End": True}}
    arn = machine(account, "order", states)
    client = account.client("stepfunctions")
    until(lambda: client.describe_execution(executionArn=arn)["status"] == "SUCCEEDED")
    events = client.get_execution_history(executionArn=arn)["events"]
    left = [one["stateExitedEventDetails"]["name"] for one in events if one["type"] == "WaitStateExited"]
    assert left == ["Short", "Long"]
    took = events[-1]["timestamp"] - events[0]["timestamp"]
    assert 2.9 < took.total_seconds() < 10, "the times of the history are the machine's"


def test_a_heartbeat_that_stays_away_and_a_stop_that_ends_a_wait(account: Account) -> None:
    client = account.client("stepfunctions")
    queue_url = account.client("sqs").create_queue(QueueName="tokens")["QueueUrl"]
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": queue_url, "MessageBody.$": "$$.Task.Token"},
        "HeartbeatSeconds": 600,
        "End": True,
    }
    beats = machine(account, "heartbeat", {"Ask": task})
    waits = machine(account, "stopped", {"Wait": {"Type": "Wait", "Seconds": 36000, "End": True}})
    run_at(1000)
    until(lambda: client.describe_execution(executionArn=beats)["status"] != "RUNNING")
    assert client.describe_execution(executionArn=beats)["error"] == "States.Timeout"
    client.stop_execution(executionArn=waits)
    assert client.describe_execution(executionArn=waits)["status"] == "ABORTED"


def test_a_schedule_of_the_scheduler(account: Account) -> None:
    arn = queue(account, "scheduled", None)
    role = account.role("scheduled", "scheduler", allow="sqs:SendMessage", resource=arn)
    client = account.client("scheduler")
    settings = {"FlexibleTimeWindow": {"Mode": "OFF"}, "Target": {"Arn": arn, "RoleArn": role, "Input": "hello"}}
    client.create_schedule(Name="each-hour", ScheduleExpression="rate(1 hour)", **settings)
    assert received(account, "scheduled") == "hello", "without a start date it begins at once"
    assert messages(account, "scheduled") == 0
    run_at(1000)
    until(lambda: messages(account, "scheduled") >= 1)
    client.delete_schedule(Name="each-hour")


def test_a_schedule_that_ends_deletes_itself_and_calls_any_service(account: Account) -> None:
    role = account.role("sdk", "scheduler", allow="sqs:CreateQueue")
    client = account.client("scheduler")
    target = {
        "Arn": "arn:aws:scheduler:::aws-sdk:sqs:createQueue",
        "RoleArn": role,
        "Input": json.dumps({"QueueName": "made-by-a-schedule"}),
    }
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 600))
    settings = {"FlexibleTimeWindow": {"Mode": "OFF"}, "ActionAfterCompletion": "DELETE"}
    client.create_schedule(Name="once", ScheduleExpression=f"at({at})", Target=target, **settings)
    time.sleep(0.5)
    assert client.get_schedule(Name="once")["State"] == "ENABLED"
    run_at(600)
    until(lambda: account.client("sqs").list_queues(QueueNamePrefix="made-by").get("QueueUrls"))
    until(lambda: client.list_schedules(NamePrefix="once")["Schedules"] == [])


def test_a_schedule_without_the_right_to_its_target_tries_again_then_gives_up(account: Account) -> None:
    arn, dead = queue(account, "closed", None), queue(account, "given-up", None)
    role = account.role("closed", "scheduler", allow="sqs:SendMessage", resource=dead)
    target = {
        "Arn": arn,
        "RoleArn": role,
        "Input": "no way",
        "DeadLetterConfig": {"Arn": dead},
        "RetryPolicy": {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 3600},
    }
    client = account.client("scheduler")
    began = time.monotonic()
    run_at(100)
    settings = {"FlexibleTimeWindow": {"Mode": "OFF"}, "Target": target}
    client.create_schedule(Name="closed", ScheduleExpression="rate(1 day)", **settings)
    assert received(account, "given-up") == "no way"
    assert time.monotonic() - began > 1.8, "it waits a minute, then two"
    assert messages(account, "closed") == 0


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"ScheduleExpression": "rate(2 minute)"}, r"Invalid Schedule Expression rate\(2 minute\)"),
        (
            {"ScheduleExpressionTimezone": "Mars/Olympus"},
            "Timezone Mars/Olympus is not supported",
        ),
        ({"Role": "lambda"}, "must allow AWS EventBridge Scheduler to assume the role"),
        ({"Arn": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/x"}, "does not emulate schedules with the target"),
    ],
)
def test_what_the_scheduler_refuses(account: Account, changed: dict[str, str], says: str) -> None:
    service = changed.pop("Role", "scheduler")
    role = account.role(f"refused-{service}-{len(says)}", service)
    target = {"Arn": changed.pop("Arn", f"arn:aws:sqs:{REGION}:{ACCOUNT}:scheduled"), "RoleArn": role}
    settings: dict[str, Any] = {"ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": {"Mode": "OFF"}} | changed
    with pytest.raises(ClientError, match=says):
        account.client("scheduler").create_schedule(Name="refused", Target=target, **settings)
