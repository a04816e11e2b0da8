"""InvokeEndpoint and its siblings, against containers that really run."""

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.clouds.serving_cloud import ServingCloud, variant
from tests.support.clouds.training_cloud import wait_until


@pytest.fixture(scope="module")
def one(cloud: ServingCloud) -> str:
    """An endpoint of two variants, `main` and `other`, one instance each."""
    variants = variant("main", cloud.model("m-main", "a")), variant("other", cloud.model("m-other", "b"), weight=3)
    cloud.config("two", *variants)
    assert cloud.serve("two", "two")["EndpointStatus"] == "InService"
    return "two"


def test_an_answer_comes_from_the_container_with_its_headers(cloud: ServingCloud, one: str) -> None:
    runtime = cloud.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(
        EndpointName=one, Body=b"headers", ContentType="text/csv", Accept="text/plain", TargetVariant="main",
        CustomAttributes="c000b4f9", InferenceId="first",
    )  # fmt: skip
    told = {name.lower(): value for name, value in json.loads(answer["Body"].read()).items()}
    assert (answer["InvokedProductionVariant"], answer["ContentType"]) == ("main", "application/json")
    assert answer["CustomAttributes"] == "from the model"
    assert (told["content-type"], told["accept"]) == ("text/csv", "text/plain")
    assert told["x-amzn-sagemaker-custom-attributes"] == "c000b4f9"
    assert told["x-amzn-sagemaker-inference-id"] == "first"
    assert "authorization" not in told and "user-agent" not in told
    plain = runtime.invoke_endpoint(EndpointName=one, Body=b"x", TargetVariant="other")
    assert (plain["Body"].read(), plain["ContentType"]) == (b"b:x", "text/plain")


def test_errors_of_the_model_are_told_with_their_status_and_words(cloud: ServingCloud, one: str) -> None:
    runtime = cloud.client("sagemaker-runtime")
    for body, status, kind in ((b"refuse", 400, "client"), (b"fail", 500, "server")):
        with pytest.raises(runtime.exceptions.ModelError) as caught:
            runtime.invoke_endpoint(EndpointName=one, Body=body, TargetVariant="main")
        said = caught.value.response
        assert said["ResponseMetadata"]["HTTPStatusCode"] == 424
        assert said["OriginalStatusCode"] == status and "log-group:/aws/sagemaker/Endpoints/two" in said["LogStreamArn"]
        assert said["Error"]["Message"].startswith(f"Received {kind} error ({status}) from primary with message")
    wait_until(lambda: cloud.metric("Invocation4XXErrors", one) == 1, 10, "the count of client errors")
    assert cloud.metric("Invocation5XXErrors", one) == 1
    assert cloud.metric("ModelLatency", one, "Maximum") > 0


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"EndpointName": "nobody"}, "Endpoint nobody of account 123456789012 not found."),
        ({"TargetVariant": "third"}, "Variant third not found for endpoint two"),
        ({"TargetModel": "m"}, "is not a multi-model endpoint"),
        ({"TargetContainerHostname": "h"}, "no containers that are invoked directly"),
        ({"SessionId": "NEW_SESSION"}, "SessionId: sessions of stateful models are not emulated"),
        ({"EnableExplanations": "`true`"}, "EnableExplanations"),
        ({"InferenceComponentName": "ic"}, "inference components are not emulated"),
        ({"Body": b"1" * (6 * 2**20 + 1)}, "length less than or equal to 6291456"),
    ],
)
def test_what_cannot_be_answered_is_refused_by_name(
    cloud: ServingCloud, one: str, fields: dict[str, Any], said: str
) -> None:
    runtime = cloud.client("sagemaker-runtime")
    with pytest.raises(ClientError) as caught:
        runtime.invoke_endpoint(**({"EndpointName": one, "Body": b"1"} | fields))
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    assert said in caught.value.response["Error"]["Message"]


def test_a_stream_comes_part_by_part(cloud: ServingCloud, one: str) -> None:
    runtime = cloud.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint_with_response_stream(EndpointName=one, Body=b"stream", TargetVariant="main")
    assert (answer["InvokedProductionVariant"], answer["ContentType"]) == ("main", "text/plain")
    came = [(event["PayloadPart"]["Bytes"], time.monotonic()) for event in answer["Body"]]
    assert b"".join(part for part, _ in came) == b"one two three"
    assert came[-1][1] - came[0][1] > 0.05, "the first part did not wait for the last"
    with pytest.raises(ClientError, match="Received server error"):
        runtime.invoke_endpoint_with_response_stream(EndpointName=one, Body=b"fail")
