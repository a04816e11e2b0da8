"""Lambda on the embedded cloud: real code, real limits, Lambda's own errors and logs."""

import base64
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.cloud.in_process import ACCOUNT, Account, account, until, zipped

__all__ = ["account"]

CODE = """
import json, logging, os, sys, time
import boto3
log = logging.getLogger()
log.setLevel("INFO")

def handler(event, context):
    print("seen", json.dumps(event))
    log.info("two\\nlines")
    what = event.get("do")
    if what == "raise": raise ValueError("bad input")
    if what == "sleep": time.sleep(5)
    if what == "grow": bytearray(400 * 2**20)
    if what == "exit": sys.exit(3)
    if what == "object": return object()
    if what == "big": return "x" * 7_000_000
    if what == "who": return boto3.client("sts").get_caller_identity()["Arn"]
    if what == "env": return {name: os.environ.get(name) for name in event["names"]}
    if what == "import": __import__(event["name"])
    return {"left": context.get_remaining_time_in_millis(), "pid": os.getpid(), "name": context.function_name}
"""


@pytest.fixture(scope="module")
def role(account: Account) -> str:
    return account.role("function-role", "lambda")


@pytest.fixture(scope="module")
def function(account: Account, role: str) -> str:
    account.function("works", CODE, role, Environment={"Variables": {"COLOUR": "blue"}}, Timeout=2)
    return "works"


def invoke(account: Account, name: str, event: Any = None, **settings: Any) -> tuple[dict[str, Any], Any]:
    answer = account.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event or {}), **settings)
    body = answer["Payload"].read()
    return answer, json.loads(body) if body else None


def test_the_code_runs_and_stays_warm(account: Account, function: str) -> None:
    _, cold = invoke(account, function)
    answer, warm = invoke(account, function)
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert warm["pid"] == cold["pid"]
    assert 0 < warm["left"] <= 2000
    assert warm["name"] == "works"


def test_it_runs_in_its_role_with_its_environment(account: Account, function: str) -> None:
    _, who = invoke(account, function, {"do": "who"})
    assert who == f"arn:aws:sts::{ACCOUNT}:assumed-role/function-role/works"
    names = ["COLOUR", "AWS_REGION", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_PROFILE"]
    _, seen = invoke(account, function, {"do": "env", "names": names})
    assert seen == {
        "COLOUR": "blue",
        "AWS_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_PROFILE": None,
    }


def test_it_sees_what_the_runtime_brings_and_no_more(account: Account, function: str) -> None:
    _, error = invoke(account, function, {"do": "import", "name": "moto"})
    assert error["errorType"] == "ModuleNotFoundError"


@pytest.mark.parametrize(
    ("what", "kind", "message"),
    [
        ("raise", "ValueError", "bad input"),
        ("sleep", "Sandbox.Timedout", "Task timed out after 2.00 seconds"),
        ("grow", "Runtime.ExitError", "Runtime exited with error: signal: killed"),
        ("exit", "Runtime.ExitError", "Runtime exited with error: exit status 3"),
        ("object", "Runtime.MarshalError", "Unable to marshal response"),
        ("big", "Function.ResponseSizeTooLarge", "Response payload size exceeded"),
    ],
)
def test_failures_are_lambdas_own(account: Account, function: str, what: str, kind: str, message: str) -> None:
    answer, error = invoke(account, function, {"do": what})
    assert answer["FunctionError"] == "Unhandled"
    assert error["errorType"] == kind
    assert message in error["errorMessage"]


def test_an_exception_carries_its_stack_trace(account: Account, function: str) -> None:
    _, error = invoke(account, function, {"do": "raise"})
    assert 'File "/var/task/m.py"' in error["stackTrace"][0]
    assert error["requestId"]


@pytest.mark.parametrize(
    ("handler", "code", "kind"),
    [
        ("absent.handler", CODE, "Runtime.ImportModuleError"),
        ("m.absent", CODE, "Runtime.HandlerNotFound"),
        ("m.handler", "def handler(:", "Runtime.UserCodeSyntaxError"),
    ],
)
def test_code_that_cannot_be_loaded(account: Account, role: str, handler: str, code: str, kind: str) -> None:
    name = f"broken-{kind.split('.')[1]}"
    account.function(name, code, role, Handler=handler)
    answer, error = invoke(account, name)
    assert (answer["FunctionError"], error["errorType"]) == ("Unhandled", kind)


def test_logs_have_lambdas_lines(account: Account, role: str) -> None:
    account.function("logs", CODE, role)
    answer, _ = invoke(account, "logs", {"do": "raise"}, LogType="Tail")
    lines = account.log("/aws/lambda/logs")
    kinds = [line.split(" ")[0] for line in lines]
    assert kinds[:3] == ["INIT_START", "START", "seen"]
    assert kinds[-2:] == ["END", "REPORT"]
    assert any(line.startswith("[INFO]") and line.endswith("two\nlines") for line in lines), "one record, one event"
    assert any(line.startswith("[ERROR] ValueError: bad input\nTraceback") for line in lines)
    assert "Max Memory Used" in lines[-1]
    assert "Init Duration" in lines[-1]
    assert "REPORT RequestId" in base64.b64decode(answer["LogResult"]).decode()


def test_a_log_group_of_ones_own(account: Account, role: str) -> None:
    account.client("logs").create_log_group(logGroupName="/team/own")
    account.function("own-group", CODE, role, LoggingConfig={"LogGroup": "/team/own"})
    invoke(account, "own-group")
    assert any(line.startswith("REPORT") for line in account.log("/team/own"))
    configuration = account.client("lambda").get_function_configuration(FunctionName="own-group")
    assert configuration["LoggingConfig"]["LogGroup"] == "/team/own"


def test_an_event_is_tried_three_times_then_sent_to_the_dead_letter_queue(
    account: Account, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from embedded.services.lambda_ import operations

    monkeypatch.setattr(operations, "RETRY_SECONDS", [0.05, 0.05])
    queue = account.client("sqs").create_queue(QueueName="dead")["QueueUrl"]
    target = {"TargetArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:dead"}
    account.function("events", CODE, role, DeadLetterConfig=target)
    answer, _ = invoke(account, "events", {"do": "raise"}, InvocationType="Event")
    assert answer["StatusCode"] == 202
    message = until(lambda: account.client("sqs").receive_message(QueueUrl=queue).get("Messages"))[0]
    assert json.loads(message["Body"]) == {"do": "raise"}
    assert sum(line.startswith("START") for line in account.log("/aws/lambda/events")) == 3


def test_a_dry_run_runs_nothing(account: Account, role: str) -> None:
    account.function("dry", CODE, role)
    answer, _ = invoke(account, "dry", InvocationType="DryRun")
    assert answer["StatusCode"] == 204
    assert not any(
        group["logGroupName"] == "/aws/lambda/dry"
        for group in account.client("logs").describe_log_groups()["logGroups"]
    )


def test_new_code_and_new_settings_are_used(account: Account, role: str) -> None:
    account.function("changes", "def handler(event, context): return 1", role)
    assert invoke(account, "changes")[1] == 1
    client = account.client("lambda")
    code = "import os\ndef handler(event, context): return os.environ.get('ANSWER', '2')"
    client.update_function_code(FunctionName="changes", ZipFile=zipped({"m.py": code}))
    assert invoke(account, "changes")[1] == "2"
    client.update_function_configuration(FunctionName="changes", Environment={"Variables": {"ANSWER": "3"}})
    assert invoke(account, "changes")[1] == "3"


def test_reserved_concurrency_of_zero_stops_a_function(account: Account, role: str) -> None:
    account.function("stopped", CODE, role)
    account.client("lambda").put_function_concurrency(FunctionName="stopped", ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError) as error:
        invoke(account, "stopped")
    assert error.value.response["Error"]["Code"] == "TooManyRequestsException"


def test_a_payload_that_is_too_large(account: Account, function: str) -> None:
    with pytest.raises(ClientError) as error:
        invoke(account, function, {"x": "y" * 7_000_000})
    assert error.value.response["Error"]["Code"] == "RequestTooLargeException"


def test_a_role_that_lambda_may_not_assume_is_refused(account: Account) -> None:
    role = account.role("not-for-lambda", "states")
    with pytest.raises(ClientError, match="cannot be assumed by Lambda"):
        account.function("not-assumed", CODE, role)


def test_another_language_says_that_it_is_not_emulated(account: Account, role: str) -> None:
    account.function("node", CODE, role, Runtime="nodejs22.x")
    _, error = invoke(account, "node")
    assert error["errorType"] == "Runtime.NotEmulated"
    assert "nodejs22.x" in error["errorMessage"]


def test_a_layer_comes_before_the_runtime(account: Account, role: str) -> None:
    layer = account.client("lambda").publish_layer_version(
        LayerName="pinned", Content={"ZipFile": zipped({"python/boto3.py": "__version__ = 'pinned'"})}
    )
    code = "import boto3\ndef handler(event, context): return boto3.__version__"
    account.function("layered", code, role, Layers=[layer["LayerVersionArn"]])
    assert invoke(account, "layered")[1] == "pinned"


def test_without_the_right_to_log_there_is_no_log(account: Account) -> None:
    from embedded.bus import dropped

    account.function("silent", CODE, account.role("silent", "lambda", allow="s3:*"))
    assert invoke(account, "silent")[0]["StatusCode"] == 200
    reasons = [one["reason"] for one in dropped.records() if one["source"].endswith(":silent")]
    assert "is not allowed logs:CreateLogStream" in reasons[0]
    names = [group["logGroupName"] for group in account.client("logs").describe_log_groups()["logGroups"]]
    assert "/aws/lambda/silent" not in names


def test_the_managed_policy_for_logs_is_enough(account: Account) -> None:
    role = account.role("managed", "lambda", allow="s3:*")
    arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    account.client("iam").attach_role_policy(RoleName="managed", PolicyArn=arn)
    account.function("managed", CODE, role)
    invoke(account, "managed")
    assert any(line.startswith("REPORT") for line in account.log("/aws/lambda/managed"))
