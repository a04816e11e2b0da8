"""Distributed maps on the embedded cloud: batches, tolerated failures, readers and the files of their results."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.support.cloud.in_process import Account, account, until

__all__ = ["account"]

FAILS_ON_BAD = {
    "StartAt": "Look",
    "States": {
        "Look": {
            "Type": "Choice",
            "Choices": [{"Variable": "$", "StringEquals": "bad", "Next": "Fail"}],
            "Default": "Fine",
        },
        "Fail": {"Type": "Fail", "Error": "Bad", "Cause": "it was bad"},
        "Fine": {"Type": "Pass", "End": True},
    },
}
PASSES = {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}}
DISTRIBUTED = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
BUCKET = "map-runs"


@pytest.fixture(scope="module")
def role(account: Account) -> str:
    account.client("s3").create_bucket(Bucket=BUCKET)
    return account.role("maps", "states")


def run(account: Account, role: str, state: dict[str, Any], given: Any = None, **machine: Any) -> dict[str, Any]:
    """Run a machine of one distributed map; what the execution came to."""
    processor = {
        **state.pop("ItemProcessor", PASSES),
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
    }
    states = {"Map": {"Type": "Map", "ItemProcessor": processor, "End": True, **state}}
    client = account.client("stepfunctions")
    definition = json.dumps({"StartAt": "Map", "States": states, **machine})
    made = client.create_state_machine(name=f"m-{uuid4()}", definition=definition, roleArn=role)["stateMachineArn"]
    arn = client.start_execution(stateMachineArn=made, input=json.dumps(given))["executionArn"]
    until(lambda: client.describe_execution(executionArn=arn)["status"] != "RUNNING")
    found: dict[str, Any] = client.describe_execution(executionArn=arn)
    return found


def output(found: dict[str, Any]) -> Any:
    assert found["status"] == "SUCCEEDED", found
    return json.loads(found["output"])


def test_items_go_in_batches_with_what_they_share(account: Account, role: str) -> None:
    batcher = {"MaxItemsPerBatch": 2, "BatchInput": {"day": "today", "who.$": "$.who"}}
    state = {"ItemsPath": "$.items", "ItemBatcher": batcher}
    found = output(run(account, role, state, {"who": "me", "items": [1, 2, 3]}))
    shared = {"day": "today", "who": "me"}
    assert found == [{"BatchInput": shared, "Items": [1, 2]}, {"BatchInput": shared, "Items": [3]}]


def test_items_are_selected_before_they_are_put_together(account: Account, role: str) -> None:
    selector = {"index.$": "$$.Map.Item.Index", "value.$": "$$.Map.Item.Value", "who.$": "$.who"}
    state = {"ItemsPath": "$.items", "ItemSelector": selector, "ItemBatcher": {"MaxItemsPerBatchPath": "$.most"}}
    (batch,) = output(run(account, role, state, {"who": "me", "most": 9, "items": ["a", "b"]}))
    assert batch["Items"] == [{"index": 0, "value": "a", "who": "me"}, {"index": 1, "value": "b", "who": "me"}]


def test_batches_are_cut_by_bytes(account: Account, role: str) -> None:
    state = {"ItemBatcher": {"MaxInputBytesPerBatch": 40}}
    found = output(run(account, role, state, ["x" * 10, "y" * 10, "z" * 10]))
    assert [len(batch["Items"]) for batch in found] == [2, 1]


def test_batches_by_jsonata(account: Account, role: str) -> None:
    batcher = {"MaxItemsPerBatch": "{% $states.input.most %}", "BatchInput": {"sum": "{% 1 + 1 %}"}}
    state = {"Items": "{% $states.input.items %}", "ItemBatcher": batcher}
    given = {"most": 2, "items": [1, 2, 3]}
    found = output(run(account, role, state, given, QueryLanguage="JSONata"))
    assert found == [{"BatchInput": {"sum": 2}, "Items": [1, 2]}, {"BatchInput": {"sum": 2}, "Items": [3]}]


def test_a_batch_of_none_is_refused(account: Account, role: str) -> None:
    state = {"ItemsPath": "$.items", "ItemBatcher": {"MaxItemsPerBatchPath": "$.most"}}
    found = run(account, role, state, {"most": 0, "items": [1]})
    assert (found["status"], found["error"]) == ("FAILED", "States.Runtime")
    assert "MaxItemsPerBatch must be a positive integer" in found["cause"]


@pytest.mark.parametrize(
    ("tolerated", "status"),
    [
        ({}, "FAILED"),
        ({"ToleratedFailureCount": 1}, "FAILED"),
        ({"ToleratedFailureCount": 2}, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 49}, "FAILED"),
        ({"ToleratedFailurePercentage": 50}, "SUCCEEDED"),
        ({"ToleratedFailureCount": 2, "ToleratedFailurePercentage": 49}, "FAILED"),
    ],
)
def test_how_many_failures_a_run_tolerates(account: Account, role: str, tolerated: Any, status: str) -> None:
    state = {"ItemProcessor": FAILS_ON_BAD, "MaxConcurrency": 1, **tolerated}
    found = run(account, role, state, ["fine", "bad", "fine", "bad"])
    assert found["status"] == status
    if status == "FAILED":
        assert found["error"] == "States.ExceedToleratedFailureThreshold"
        assert found["cause"] == "The specified tolerated failure threshold was exceeded"


def test_a_failed_run_can_be_caught_and_is_counted(account: Account, role: str) -> None:
    catch = [{"ErrorEquals": ["States.ExceedToleratedFailureThreshold"], "Next": "Caught"}]
    processor = {**FAILS_ON_BAD, "ProcessorConfig": DISTRIBUTED}
    states = {
        "Map": {"Type": "Map", "ItemProcessor": processor, "MaxConcurrency": 1, "Catch": catch, "End": True},
        "Caught": {"Type": "Pass", "End": True},
    }
    client = account.client("stepfunctions")
    definition = json.dumps({"StartAt": "Map", "States": states})
    made = client.create_state_machine(name="caught-run", definition=definition, roleArn=role)["stateMachineArn"]
    arn = client.start_execution(stateMachineArn=made, input='["fine", "bad", "fine"]')["executionArn"]
    until(lambda: client.describe_execution(executionArn=arn)["status"] == "SUCCEEDED")
    (listed,) = client.list_map_runs(executionArn=arn)["mapRuns"]
    described = client.describe_map_run(mapRunArn=listed["mapRunArn"])
    assert described["status"] == "FAILED"
    counts = described["itemCounts"]
    assert (counts["succeeded"], counts["failed"], counts["running"]) == (1, 1, 0), "the third was not begun"


def test_results_are_written_to_files(account: Account, role: str) -> None:
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": BUCKET, "Prefix": "results"}}
    state = {"ItemProcessor": FAILS_ON_BAD, "ToleratedFailureCount": 1, "ResultWriter": writer}
    found = output(run(account, role, state, ["fine", "bad", "good"]))
    s3, place = account.client("s3"), found["ResultWriterDetails"]
    manifest = json.loads(s3.get_object(**place)["Body"].read())
    assert place["Key"].startswith("results/") and manifest["MapRunArn"] == found["MapRunArn"]

    def results(kind: str) -> list[dict[str, Any]]:
        (file,) = manifest["ResultFiles"][kind]
        body = s3.get_object(Bucket=BUCKET, Key=file["Key"])["Body"].read()
        assert len(body) == file["Size"]
        return list(json.loads(body))

    assert sorted(one["Output"] for one in results("SUCCEEDED")) == ['"fine"', '"good"']
    (failed,) = results("FAILED")
    assert (failed["Input"], failed["Error"], failed["Cause"]) == ('"bad"', "Bad", "it was bad")
    assert manifest["ResultFiles"]["PENDING"] == []


@pytest.mark.parametrize(
    ("kind", "body", "config", "expected"),
    [
        ("JSON", '[{"a": 1}, {"a": 2}, {"a": 3}]', {"MaxItems": 2}, [{"a": 1}, {"a": 2}]),
        ("JSONL", '{"a": 1}\n\n{"a": 2}\n', {}, [{"a": 1}, {"a": 2}]),
        ("CSV", "a,b\n1,2\n3,4\n", {"CSVHeaderLocation": "FIRST_ROW"}, [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]),
    ],
)
def test_items_are_read_from_objects(
    account: Account, role: str, kind: str, body: str, config: Any, expected: Any
) -> None:
    account.client("s3").put_object(Bucket=BUCKET, Key=f"items.{kind}", Body=body.encode())
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": kind, **config},
        "Parameters": {"Bucket": BUCKET, "Key": f"items.{kind}"},
    }
    assert output(run(account, role, {"ItemReader": reader})) == expected


def test_items_are_the_objects_under_a_prefix_in_batches(account: Account, role: str) -> None:
    for name in "abc":
        account.client("s3").put_object(Bucket=BUCKET, Key=f"listed/{name}", Body=b"")
    reader = {
        "Resource": "arn:aws:states:::s3:listObjectsV2",
        "Parameters": {"Bucket": BUCKET, "Prefix": "listed/"},
    }
    found = output(run(account, role, {"ItemReader": reader, "ItemBatcher": {"MaxItemsPerBatch": 2}}))
    assert [[item["Key"] for item in batch["Items"]] for batch in found] == [["listed/a", "listed/b"], ["listed/c"]]


def test_no_thread_of_a_state_is_kept(account: Account, role: str) -> None:
    from moto.stepfunctions.parser.asl.component.state.exec.execute_state import TMP_THREADS

    output(run(account, role, {}, [1, 2, 3]))
    assert len(TMP_THREADS) == 0
