"""Asynchronous endpoints: results, failures, topics, time limits, an empty fleet, an instance that dies."""

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.clouds.serving_cloud import ServingCloud, variant
from tests.support.clouds.training_cloud import BUCKET, wait_until

OUT, FAILED = f"s3://{BUCKET}/results", f"s3://{BUCKET}/failures"


def topic(cloud: ServingCloud, name: str) -> tuple[str, str]:
    """A topic with a queue on it: the topic's ARN, the queue's URL."""
    arn = cloud.client("sns").create_topic(Name=name)["TopicArn"]
    queue = cloud.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    queue_arn = f"arn:aws:sqs:us-east-1:123456789012:{name}"
    statement = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    cloud.allow(queue, statement | {"Resource": queue_arn})
    cloud.client("sns").subscribe(
        TopicArn=arn, Protocol="sqs", Endpoint=queue_arn, Attributes={"RawMessageDelivery": "true"}
    )
    return arn, queue


@pytest.fixture(scope="module")
def queues(cloud: ServingCloud) -> dict[str, str]:
    """An asynchronous endpoint of one instance; the queues of its two topics."""
    (good, good_queue), (bad, bad_queue) = topic(cloud, "good"), topic(cloud, "bad")
    config = {
        "OutputConfig": {
            "S3OutputPath": OUT,
            "S3FailurePath": FAILED,
            "NotificationConfig": {
                "SuccessTopic": good,
                "ErrorTopic": bad,
                "IncludeInferenceResponseIn": ["ERROR_NOTIFICATION_TOPIC"],
            },
        },
        "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 2},
    }
    main = variant("main", cloud.model("slow", "a", Environment={"SLOW": "0.05"}))
    cloud.config("later", main, AsyncInferenceConfig=config)
    assert cloud.serve("later", "later")["EndpointStatus"] == "InService"
    return {"good": good_queue, "bad": bad_queue}


def told(cloud: ServingCloud, queue: str, count: int, seconds: float = 30) -> list[dict[str, Any]]:
    """So many messages of a queue."""
    found: list[dict[str, Any]] = []
    until = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < until:
        answer = cloud.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        for message in answer.get("Messages", ()):
            found.append(json.loads(message["Body"]))
            cloud.client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return found


def ask(cloud: ServingCloud, **fields: Any) -> dict[str, Any]:
    answer: dict[str, Any] = cloud.client("sagemaker-runtime").invoke_endpoint_async(EndpointName="later", **fields)
    return answer


def key(uri: str) -> str:
    return uri.removeprefix(f"s3://{BUCKET}/")


def test_a_result_lies_in_s3_and_its_topic_is_told_in_the_services_form(
    cloud: ServingCloud, queues: dict[str, str]
) -> None:
    cloud.put("in/one.csv", "1,2")
    answer = ask(cloud, InputLocation=f"s3://{BUCKET}/in/one.csv", ContentType="text/csv", Accept="text/csv")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert answer["OutputLocation"].startswith(OUT) and answer["FailureLocation"].startswith(FAILED)
    (message,) = told(cloud, queues["good"], 1)
    assert cloud.get(key(answer["OutputLocation"])) == b"a:1,2"
    times = {name: message.pop(name) for name in ("eventTime", "receivedTime")}
    assert all(time.strptime(value, "%Y-%m-%dT%H:%M:%S.%fZ") for value in times.values())
    assert message == {
        "awsRegion": "us-east-1",
        "invocationStatus": "Completed",
        "requestParameters": {
            "accept": "text/csv",
            "contentType": "text/csv",
            "endpointName": "later",
            "inputLocation": f"s3://{BUCKET}/in/one.csv",
        },
        "responseParameters": {"contentType": "text/csv", "outputLocation": answer["OutputLocation"]},
        "inferenceId": answer["InferenceId"],
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }


def test_a_body_can_come_with_the_request_and_a_failure_is_written_and_told(
    cloud: ServingCloud, queues: dict[str, str]
) -> None:
    inline = ask(cloud, Body=b"7", S3OutputPathExtension="deep", Filename="seven.txt")
    assert inline["OutputLocation"] == f"{OUT}/deep/seven.txt"
    assert len(told(cloud, queues["good"], 1)) == 1
    assert cloud.get("results/deep/seven.txt") == b"a:7"
    failed = ask(cloud, Body=b"fail", InferenceId="mine")
    missing = ask(cloud, InputLocation=f"s3://{BUCKET}/nowhere")
    messages = {one["inferenceId"]: one for one in told(cloud, queues["bad"], 2)}
    assert messages["mine"]["invocationStatus"] == "Failed"
    assert messages["mine"]["failureReason"].startswith("ClientError: Received server error (500) from model.")
    assert messages["mine"]["responseBody"]["encoding"] == "BASE64"
    assert cloud.get(key(failed["FailureLocation"])) == b"the model has a fault"
    assert "cannot be read" in messages[missing["InferenceId"]]["failureReason"]


@pytest.mark.usefixtures("queues")
def test_what_does_not_fit_an_asynchronous_endpoint_is_refused(cloud: ServingCloud) -> None:
    with pytest.raises(ClientError, match="invoked with InvokeEndpointAsync alone"):
        cloud.invoke("later")
    with pytest.raises(ClientError, match="Exactly one of InputLocation and Body"):
        ask(cloud)


def test_an_empty_fleet_has_a_backlog_that_is_measured_and_wakes_and_late_ones_expire(
    cloud: ServingCloud, queues: dict[str, str]
) -> None:
    cloud.admin("clock", rate=60)
    sagemaker = cloud.client("sagemaker")

    def count(number: int) -> None:
        wanted = [{"VariantName": "main", "DesiredInstanceCount": number}]
        sagemaker.update_endpoint_weights_and_capacities(EndpointName="later", DesiredWeightsAndCapacities=wanted)
        assert cloud.settled("later")["ProductionVariants"][0]["CurrentInstanceCount"] == number

    count(0)
    late = ask(cloud, Body=b"late", RequestTTLSeconds=60)
    kept = ask(cloud, Body=b"kept")
    assert [one["inferenceId"] for one in told(cloud, queues["bad"], 1)] == [late["InferenceId"]]
    wait_until(lambda: backlog(cloud, "HasBacklogWithoutCapacity") >= 1, 20, "the metric that wakes")
    assert backlog(cloud, "ApproximateBacklogSize") >= 1
    count(1)
    assert [one["inferenceId"] for one in told(cloud, queues["good"], 1)] == [kept["InferenceId"]]
    cloud.admin("clock", rate=1)


def backlog(cloud: ServingCloud, name: str) -> float:
    now = time.time()
    points = cloud.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName=name,
        Dimensions=[{"Name": "EndpointName", "Value": "later"}],
        StartTime=now - 3600,
        EndTime=now + 60,
        Period=86400,
        Statistics=["Maximum"],
    )["Datapoints"]
    return max((float(point["Maximum"]) for point in points), default=0.0)


@pytest.mark.slow
def test_none_of_200_is_lost_when_the_fleet_is_killed(cloud: ServingCloud, queues: dict[str, str]) -> None:
    asked = {ask(cloud, Body=str(number).encode())["InferenceId"] for number in range(200)}
    cloud.admin("endpoint-fault", name="later", kill=True)
    good = {one["inferenceId"] for one in told(cloud, queues["good"], 200, 60)}
    bad = {one["inferenceId"] for one in told(cloud, queues["bad"], 200 - len(good), 5)} if len(good) < 200 else set()
    assert good | bad == asked and not good & bad and len(good) > 150
    wait_until(lambda: cloud.metric("InvocationsProcessed", "later") >= len(good), 10, "the count of results")
