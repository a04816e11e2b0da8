"""The API of Step Functions: versions, aliases, express machines, activities, credentials, and what is refused."""

import json
import threading
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.support.cloud.in_process import Account, account, policy
from tests.support.cloud.machines import create, history, role, run

__all__ = ["account", "role"]

CUT_OFF = "Unexpected end-of-input"
NO_GROUP = "arn:aws:logs:us-east-1:123456789012:log-group:none:*"


def passes(result: Any) -> dict[str, Any]:
    return {"Say": {"Type": "Pass", "Result": result, "End": True}}


def definition(states: dict[str, Any], **settings: Any) -> str:
    return json.dumps({"StartAt": next(iter(states)), "States": states, **settings})


def output(account: Account, machine: str) -> Any:
    return json.loads(run(account, machine)["output"])


def test_versions_keep_what_was_published_and_are_started_by_their_arns(account: Account, role: str) -> None:
    client = account.client("stepfunctions")
    machine = create(account, "versions", role, passes(1), publish=True)
    first = f"{machine}:1"
    assert client.publish_state_machine_version(stateMachineArn=machine)["stateMachineVersionArn"] == first
    changed = client.update_state_machine(stateMachineArn=machine, definition=definition(passes(2)), publish=True)
    assert changed["stateMachineVersionArn"] == f"{machine}:2"
    assert [output(account, arn) for arn in (first, f"{machine}:2", machine)] == [1, 2, 2]
    (execution,) = client.list_executions(stateMachineArn=first)["executions"]
    assert (execution["stateMachineArn"], execution["stateMachineVersionArn"]) == (machine, first)
    listed = client.list_state_machine_versions(stateMachineArn=machine)["stateMachineVersions"]
    assert [version["stateMachineVersionArn"] for version in listed] == [f"{machine}:2", first]
    client.delete_state_machine_version(stateMachineVersionArn=f"{machine}:2")
    client.update_state_machine(stateMachineArn=machine, definition=definition(passes(3)))
    assert client.publish_state_machine_version(stateMachineArn=machine)["stateMachineVersionArn"] == f"{machine}:3"
    with pytest.raises(ClientError, match=f"State Machine Does Not Exist: '{machine}:2'"):
        client.start_execution(stateMachineArn=f"{machine}:2")


def test_a_change_begins_a_revision_and_versions_have_no_tags(account: Account, role: str) -> None:
    client = account.client("stepfunctions")
    machine = create(account, "revisions", role, passes(1), publish=True)
    changed = client.update_state_machine(stateMachineArn=machine, definition=definition(passes(2)))
    again = client.update_state_machine(stateMachineArn=machine, definition=definition(passes(2)))
    described = client.describe_state_machine(stateMachineArn=machine)
    assert again["revisionId"] == changed["revisionId"] == described["revisionId"]
    with pytest.raises(ClientError, match="The current State Machine revision is"):
        client.publish_state_machine_version(stateMachineArn=machine, revisionId="another")
    with pytest.raises(ClientError, match="Either the definition, the role ARN"):
        client.update_state_machine(stateMachineArn=machine)
    with pytest.raises(ClientError, match=f"Resource not found: '{machine}:1'"):
        client.tag_resource(resourceArn=f"{machine}:1", tags=[{"key": "a", "value": "b"}])
    names = [one["name"] for one in client.list_state_machines()["stateMachines"]]
    assert names == sorted(names)


def test_an_alias_leads_to_its_versions(account: Account, role: str) -> None:
    client = account.client("stepfunctions")
    machine = create(account, "aliases", role, passes(1), publish=True)
    client.update_state_machine(stateMachineArn=machine, definition=definition(passes(2)), publish=True)

    def routes(*weights: int) -> list[dict[str, Any]]:
        return [
            {"stateMachineVersionArn": f"{machine}:{number}", "weight": weight}
            for number, weight in enumerate(weights, start=1)
        ]

    with pytest.raises(
        ClientError, match=r"Sum of routing configuration weights must equal 100\. Received: \[50, 40\]"
    ):
        client.create_state_machine_alias(name="live", routingConfiguration=routes(50, 40))
    live = client.create_state_machine_alias(name="live", routingConfiguration=routes(100))["stateMachineAliasArn"]
    assert output(account, live) == 1
    client.update_state_machine_alias(stateMachineAliasArn=live, routingConfiguration=routes(0, 100))
    assert output(account, live) == 2
    with pytest.raises(ClientError, match=r"must not be referenced by an alias\. Current list .*: \[live\]"):
        client.delete_state_machine_version(stateMachineVersionArn=f"{machine}:2")
    described = client.describe_state_machine_alias(stateMachineAliasArn=live)
    assert described["routingConfiguration"] == routes(0, 100)
    executions = client.list_executions(stateMachineArn=live)["executions"]
    assert {execution["stateMachineAliasArn"] for execution in executions} == {live}
    client.delete_state_machine_alias(stateMachineAliasArn=live)
    assert client.list_state_machine_aliases(stateMachineArn=machine)["stateMachineAliases"] == []


def test_an_express_machine_runs_to_its_end_in_one_call(account: Account, role: str) -> None:
    machine = create(account, "express", role, passes({"n": 1}), type="EXPRESS")
    client = boto3.client("stepfunctions", config=Config(inject_host_prefix=False), **account.credentials())
    ended = client.start_sync_execution(stateMachineArn=machine, name="once", input="{}")
    assert (ended["status"], json.loads(ended["output"])) == ("SUCCEEDED", {"n": 1})
    assert ":express:express:once:" in ended["executionArn"]
    assert ended["billingDetails"]["billedDurationInMilliseconds"] % 100 == 0
    for call in (client.describe_execution, client.get_execution_history):
        with pytest.raises(ClientError, match="Resource type not valid in this context: express"):
            call(executionArn=ended["executionArn"])
    with pytest.raises(ClientError, match="not supported by this type of state machine"):
        client.list_executions(stateMachineArn=machine)
    standard = create(account, "standard", role, passes(1))
    with pytest.raises(ClientError, match="not supported by this type of state machine"):
        client.start_sync_execution(stateMachineArn=standard)


def test_a_worker_takes_an_activitys_task_and_answers(account: Account, role: str) -> None:
    client = account.client("stepfunctions")
    activity = client.create_activity(name="by-hand")["activityArn"]
    states = {"Ask": {"Type": "Task", "Resource": activity, "TimeoutSeconds": 30, "End": True}}
    machine = create(account, "asks", role, states)

    def work() -> None:
        task = client.get_activity_task(activityArn=activity, workerName="me")
        answer = json.dumps({"got": json.loads(task["input"])})
        client.send_task_success(taskToken=task["taskToken"], output=answer)

    worker = threading.Thread(target=work)
    worker.start()
    ended = run(account, machine, {"n": 1})
    worker.join()
    assert json.loads(ended["output"]) == {"got": {"n": 1}}
    assert history(account, ended)[2:5] == ["ActivityScheduled", "ActivityStarted", "ActivitySucceeded"]
    client.delete_activity(activityArn=activity)
    gone = run(account, machine)
    assert gone["cause"].endswith(f"The activity {activity} does not exist.")
    with pytest.raises(ClientError, match=f"Activity Does Not Exist: '{activity}'"):
        client.describe_activity(activityArn=activity)


def test_a_state_acts_in_the_role_that_its_credentials_name(account: Account, role: str) -> None:
    trusts = policy({"Effect": "Allow", "Principal": {"AWS": role}, "Action": "sts:AssumeRole"})
    iam = account.client("iam")
    other = iam.create_role(RoleName="credentials-other", AssumeRolePolicyDocument=trusts)["Role"]["Arn"]
    allowed = policy({"Effect": "Allow", "Action": "sqs:*", "Resource": "*"})
    iam.put_role_policy(RoleName="credentials-other", PolicyName="all", PolicyDocument=allowed)
    may_assume = policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": other})
    iam.put_role_policy(RoleName=role.rpartition("/")[2], PolicyName="assume", PolicyDocument=may_assume)
    queue = account.client("sqs").create_queue(QueueName="credentials-queue")["QueueUrl"]
    send = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "Parameters": {"QueueUrl": queue, "MessageBody": "hello"},
        "Credentials": {"RoleArn": other},
        "End": True,
    }
    assert run(account, create(account, "credentials", role, {"Send": send}))["status"] == "SUCCEEDED"
    stranger = account.role("credentials-stranger", "lambda")
    refused = send | {"Credentials": {"RoleArn": stranger}}
    ended = run(account, create(account, "credentials-refused", role, {"Send": refused}))
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Permissions")
    assert "is not authorized to perform: sts:AssumeRole" in ended["cause"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "SCHEMA_VALIDATION_FAILED: These fields are required: [States, StartAt] at /"),
        ("not json", "INVALID_JSON_DESCRIPTION: Unrecognized token 'not': was expecting (JSON String, Number, Array,"),
        (
            definition({"A": {"Type": "Pass", "Next": "B"}}),
            "MISSING_TRANSITION_TARGET: Missing 'Next' target: B at /States/A/Next",
        ),
        (
            definition(
                {
                    "Send": {
                        "Type": "Task",
                        "Resource": "arn:aws:states:::sqs:sendMessage",
                        "Parameters": {"QueueUrl": "url", "MessageBody": "text", "Colour": "red"},
                        "End": True,
                    }
                }
            ),
            'The field "Colour" is not supported by Step Functions at /States/Send/Parameters',
        ),
    ],
)
def test_a_definition_is_refused_in_the_services_words(account: Account, role: str, text: str, message: str) -> None:
    client = account.client("stepfunctions")
    with pytest.raises(ClientError) as refused:
        client.create_state_machine(name="refused", roleArn=role, definition=text)
    assert refused.value.response["Error"]["Code"] == "InvalidDefinition"
    assert message in refused.value.response["Error"]["Message"]
    checked = client.validate_state_machine_definition(definition=text)
    (found,) = checked["diagnostics"]
    assert (checked["result"], found["severity"]) == ("FAIL", "ERROR")
    assert found["message"].partition("\n")[0] in f"{found['code']}: {refused.value}"


def test_what_is_not_emulated_is_refused_by_name(account: Account, role: str) -> None:
    inner = {"StartAt": "One", "States": {"One": {"Type": "Pass", "End": True}}}
    each = {"Type": "Map", "ItemProcessor": inner, "ItemBatcher": {"MaxItemsPerBatch": 2}, "End": True}
    with pytest.raises(
        ClientError, match=r"does not emulate ItemBatcher of an inline map \(/States/Each/ItemBatcher\)"
    ):
        create(account, "batches", role, {"Each": each})


def test_an_express_machine_waits_for_nobody(account: Account, role: str) -> None:
    send = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": "url", "MessageBody.$": "$$.Task.Token"},
        "End": True,
    }
    text = definition({"Send": send})
    client = account.client("stepfunctions")
    assert client.validate_state_machine_definition(definition=text)["result"] == "OK"
    with pytest.raises(ClientError, match=r"Express state machine does not support '\.waitForTaskToken'"):
        client.create_state_machine(name="waits", roleArn=role, definition=text, type="EXPRESS")


def test_a_field_that_only_the_input_brings_ends_the_execution_and_is_caught_by_nothing(
    account: Account, role: str
) -> None:
    publish = {
        "Type": "Task",
        "QueryLanguage": "JSONata",
        "Resource": "arn:aws:states:::sns:publish",
        "Arguments": "{% $states.input %}",
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}],
        "End": True,
    }
    machine = create(account, "late-field", role, {"Say": publish, "Caught": {"Type": "Pass", "End": True}})
    ended = run(account, machine, {"Message": "hello", "Colour": "red"})
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")
    assert 'The field "Colour" is not supported by Step Functions' in ended["cause"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"level": "ALL"}, "Invalid Logging Configuration: Must specify exactly one Log Destination."),
        (
            {
                "level": "ALL",
                "destinations": [
                    {"cloudWatchLogsLogGroup": {"logGroupArn": "arn:aws:logs:us-east-1:123456789012:log-group:none:*"}}
                ],
            },
            "Invalid Logging Configuration: Log Destination not found.",
        ),
    ],
)
def test_a_log_that_cannot_be_is_refused(account: Account, role: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ClientError) as refused:
        create(account, "no-log", role, passes(1), loggingConfiguration=settings)
    assert refused.value.response["Error"] == {"Code": "InvalidLoggingConfiguration", "Message": message}


@pytest.mark.parametrize(
    ("call", "settings", "code", "message"),
    [
        ("describe_execution", {"executionArn": "nothing"}, "InvalidArn", "Invalid Arn: 'Invalid ARN prefix: nothing'"),
        ("create_activity", {"name": "a b"}, "InvalidName", "Invalid Name: 'a b'"),
        (
            "send_task_success",
            {"taskToken": "x", "output": "{"},
            "InvalidOutput",
            "Invalid Output: 'Unexpected end-of-input'",
        ),
        ("send_task_heartbeat", {"taskToken": "x"}, "InvalidToken", "Invalid Token: 'Invalid token'"),
        ("list_activities", {"nextToken": "???"}, "InvalidToken", "Invalid Token: 'Invalid token'"),
    ],
)
def test_requests_are_refused_in_the_services_words(
    account: Account, call: str, settings: dict[str, Any], code: str, message: str
) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(account.client("stepfunctions"), call)(**settings)
    assert refused.value.response["Error"] == {"Code": code, "Message": message}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            "not it",
            "Unrecognized token 'not': was expecting (JSON String, Number, Array, Object or token 'null'",
        ),
        ("{'a': 1}", "Unexpected character (''' (code 39)): was expecting double-quote to start field name"),
        (" ", "Invalid execution input."),
    ],
)
def test_an_input_that_is_no_json_is_refused(account: Account, role: str, given: str, message: str) -> None:
    machine = account.client("stepfunctions").create_state_machine(
        name="takes-json", roleArn=role, definition=definition(passes(1))
    )["stateMachineArn"]
    with pytest.raises(ClientError) as refused:
        account.client("stepfunctions").start_execution(stateMachineArn=machine, input=given)
    assert refused.value.response["Error"]["Code"] == "InvalidExecutionInput"
    assert message in refused.value.response["Error"]["Message"]


def test_lists_come_in_pages(account: Account) -> None:
    client = account.client("stepfunctions")
    for number in range(3):
        client.create_activity(name=f"page-{number}")
    names: list[str] = []
    token: dict[str, str] = {}
    while True:
        answer = client.list_activities(maxResults=1, **token)
        names += [one["name"] for one in answer["activities"]]
        if "nextToken" not in answer:
            break
        token = {"nextToken": answer["nextToken"]}
    assert [name for name in names if name.startswith("page-")] == ["page-0", "page-1", "page-2"]
    with pytest.raises(ClientError, match="Value '1001' at 'maxResults' failed to satisfy constraint"):
        client.list_activities(maxResults=1001)


def test_a_context_counts_redrives_and_a_failure_may_be_redriven(account: Account, role: str) -> None:
    client = account.client("stepfunctions")
    context = {"Look": {"Type": "Pass", "Parameters": {"redrives.$": "$$.Execution.RedriveCount"}, "End": True}}
    assert output(account, create(account, "redrives", role, context)) == {"redrives": 0}
    for states, status in (({"End": {"Type": "Fail"}}, "REDRIVABLE"), (passes(1), "NOT_REDRIVABLE")):
        ended = run(account, create(account, f"redriven-{status.lower()}", role, states))
        assert client.describe_execution(executionArn=ended["executionArn"])["redriveStatus"] == status


def test_an_api_that_is_not_served_is_named(account: Account, role: str) -> None:
    parameters = {"ApiEndpoint": "x.execute-api.us-east-1.amazonaws.com", "Method": "GET"}
    call = {"Type": "Task", "Resource": "arn:aws:states:::apigateway:invoke", "Parameters": parameters, "End": True}
    ended = run(account, create(account, "gateway", role, {"Call": call}))
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")
    assert "apigateway:invoke is not emulated by the embedded cloud" in ended["cause"]
