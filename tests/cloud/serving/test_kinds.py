"""Endpoints of other kinds: many models in a container, serverless, pipelines, containers invoked directly; capture."""

import base64
import json
import threading
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.clouds.serving_cloud import ServingCloud, packed, variant
from tests.support.clouds.training_cloud import BUCKET, wait_until

MULTI = "com.amazonaws.sagemaker.capabilities.multi-models=true"


def container(cloud: ServingCloud, answer: str, **fields: Any) -> dict[str, Any]:
    return {"Image": cloud.uri("server"), "Environment": {"ANSWER": answer}, **fields}


@pytest.fixture(scope="module")
def many(cloud: ServingCloud) -> str:
    """A multi-model endpoint with room for 3 of its 8 models."""
    image = cloud.server("many", labels=MULTI)
    for number in range(8):
        cloud.put(f"many/{number}.tar.gz", packed({"answer.txt": f"model {number}"}))
    definition = {
        "Image": image,
        "Mode": "MultiModel",
        "ModelDataUrl": f"s3://{BUCKET}/many/",
        "Environment": {"MODELS_MOST": "3"},
    }
    cloud.client("sagemaker").create_model(ModelName="many", ExecutionRoleArn=cloud.role, Containers=[definition])
    cloud.config("many", variant("main", "many"))
    assert cloud.serve("many", "many")["EndpointStatus"] == "InService"
    return "many"


def test_more_models_than_there_is_room_for_are_all_answered(cloud: ServingCloud, many: str) -> None:
    order = [*range(8), 0, 0, 7, 3]
    answers = [cloud.invoke(many, "x", TargetModel=f"{number}.tar.gz") for number in order]
    assert answers == [f"model {number}" for number in order]
    wrong: list[str] = []

    def ask(number: int) -> None:
        said = cloud.invoke(many, "x", TargetModel=f"{number}.tar.gz")
        wrong.extend([said] if said != f"model {number}" else [])

    threads = [threading.Thread(target=ask, args=(number % 8,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == [], "no request is lost to an eviction"
    wait_until(lambda: cloud.metric("ModelCacheHit", many, "SampleCount") == 36, 10, "the metric of the cache")
    assert 1 <= cloud.metric("ModelCacheHit", many) < 36
    assert cloud.metric("ModelUnloadingTime", many, "SampleCount") >= 5


def test_a_multi_model_endpoint_needs_a_model_that_is_there_and_an_image_that_says_so(
    cloud: ServingCloud, many: str
) -> None:
    with pytest.raises(ClientError, match="TargetModel is required"):
        cloud.invoke(many)
    with pytest.raises(ClientError, match=r"Failed to download model data\(bucket: training-bucket, key: many/none"):
        cloud.invoke(many, TargetModel="none.tar.gz")
    plain = {"Image": cloud.uri("server"), "Mode": "MultiModel", "ModelDataUrl": f"s3://{BUCKET}/many/"}
    with pytest.raises(ClientError, match="does not contain required com"):
        cloud.client("sagemaker").create_model(
            ModelName="unlabelled", ExecutionRoleArn=cloud.role, PrimaryContainer=plain
        )


def test_a_serverless_variant_starts_on_demand_up_to_its_concurrency(cloud: ServingCloud) -> None:
    cloud.model("on-demand", "s", Environment={"SLOW": "5"})
    main = {"VariantName": "main", "ModelName": "on-demand"}
    main |= {"ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 2}}
    cloud.config("on-demand", main)
    said = cloud.serve("on-demand", "on-demand")
    shown = said["ProductionVariants"][0]
    assert said["EndpointStatus"] == "InService" and "CurrentInstanceCount" not in shown
    assert shown["CurrentServerlessConfig"] == {"MemorySizeInMB": 2048, "MaxConcurrency": 2}
    found: list[str] = []

    def ask() -> None:
        try:
            found.append(cloud.invoke("on-demand"))
        except ClientError as error:
            found.append(error.response["Error"]["Code"])

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    wait_until(lambda: sum(one["requests"] for one in instances(cloud, "on-demand")) == 2, 20, "two requests at once")
    ask()
    for thread in threads:
        thread.join()
    assert sorted(found) == ["ThrottlingException", "s:1", "s:1"]
    assert len(instances(cloud, "on-demand")) == 2, "the second request had a cold start"
    wait_until(lambda: cloud.metric("ModelSetupTime", "on-demand", "SampleCount") == 1, 10, "the metric of it")
    with pytest.raises(ClientError, match="at most 4194304"):
        cloud.invoke("on-demand", b"1" * (4 * 2**20 + 1))
    with pytest.raises(ClientError, match="cannot be updated to a configuration that is not serverless"):
        cloud.simple("instances")
        cloud.client("sagemaker").update_endpoint(EndpointName="on-demand", EndpointConfigName="instances")


def instances(cloud: ServingCloud, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cloud.admin("endpoints", name=name)["endpoints"][0]["instances"]
    return found


def test_a_pipeline_passes_what_each_container_answers_to_the_next(cloud: ServingCloud) -> None:
    both = [container(cloud, "first"), container(cloud, "second", ContainerHostname="last")]
    cloud.model("pipeline", Containers=both)
    cloud.config("pipeline", variant("main", "pipeline"))
    assert cloud.serve("pipeline", "pipeline")["EndpointStatus"] == "InService"
    assert cloud.invoke("pipeline", "x") == "second:first:x"
    with pytest.raises(ClientError, match="TargetContainerHostname last: the model of the variant main has no"):
        cloud.invoke("pipeline", TargetContainerHostname="last")
    streams = cloud.client("logs").describe_log_streams(logGroupName="/aws/sagemaker/Endpoints/pipeline")["logStreams"]
    (instance,) = instances(cloud, "pipeline")
    names = sorted(one["logStreamName"] for one in streams)
    assert names == [f"main/{instance['id']}/container-1", f"main/{instance['id']}/last"]


def test_containers_that_are_invoked_directly_are_told_apart_by_name(cloud: ServingCloud) -> None:
    both = [container(cloud, "a", ContainerHostname="one"), container(cloud, "b", ContainerHostname="two")]
    cloud.model("direct", Containers=both, InferenceExecutionConfig={"Mode": "Direct"})
    cloud.config("direct", variant("main", "direct"))
    cloud.serve("direct", "direct")
    assert cloud.invoke("direct", "x", TargetContainerHostname="two") == "b:x"
    with pytest.raises(ClientError, match="They are one, two"):
        cloud.invoke("direct", "x")


def test_a_sample_is_captured_in_the_files_that_monitors_read(cloud: ServingCloud) -> None:
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{BUCKET}/captured",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
    }
    cloud.config("seen", variant("main", cloud.model("seen", "a")), DataCaptureConfig=capture)
    assert cloud.serve("seen", "seen")["DataCaptureConfig"]["CaptureStatus"] == "Started"
    cloud.invoke("seen", "1,2", ContentType="text/csv", Accept="application/x-other", InferenceId="mine")
    hour = time.strftime("captured/seen/main/%Y/%m/%d/", time.gmtime())
    wait_until(lambda: bool(cloud.keys(hour)), 10, "a file of captured data")
    (key,) = cloud.keys(hour)
    assert key.endswith(".jsonl")
    line = json.loads(cloud.get(key))
    assert line["captureData"] == {
        "endpointInput": {"observedContentType": "text/csv", "mode": "INPUT", "data": "1,2", "encoding": "CSV"},
        "endpointOutput": {
            "observedContentType": "application/x-other",
            "mode": "OUTPUT",
            "data": base64.b64encode(b"a:1,2").decode(),
            "encoding": "BASE64",
        },
    }
    assert line["eventMetadata"]["inferenceId"] == "mine" and line["eventVersion"] == "0"


def test_a_shadow_gets_a_copy_and_its_answer_reaches_nobody(cloud: ServingCloud) -> None:
    shadow = variant("shadow", cloud.model("shadow", "shadow"))
    cloud.config("two", variant("main", cloud.model("light", "light")), ShadowProductionVariants=[shadow])
    said = cloud.serve("two", "two")
    assert [one["VariantName"] for one in said["ShadowProductionVariants"]] == ["shadow"]
    assert {cloud.invoke("two") for _ in range(5)} == {"light:1"}
    wait_until(lambda: cloud.metric("Invocations", "two", VariantName="shadow") == 5, 10, "the shadow's requests")


def test_provisioned_concurrency_is_warm_and_can_be_changed(cloud: ServingCloud) -> None:
    sagemaker = cloud.client("sagemaker")
    main = {"VariantName": "main", "ModelName": cloud.model("warm", "w")}
    main |= {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 2, "ProvisionedConcurrency": 1}}
    cloud.config("warm", main)
    cloud.serve("warm", "warm")
    assert len(instances(cloud, "warm")) == 1

    def change(count: int) -> None:
        wanted = [{"VariantName": "main", "ServerlessUpdateConfig": {"ProvisionedConcurrency": count}}]
        sagemaker.update_endpoint_weights_and_capacities(EndpointName="warm", DesiredWeightsAndCapacities=wanted)

    change(2)
    shown = cloud.settled("warm")["ProductionVariants"][0]["CurrentServerlessConfig"]
    assert shown["ProvisionedConcurrency"] == 2 and len(instances(cloud, "warm")) == 2
    with pytest.raises(ClientError, match="ProvisionedConcurrency 3 is more than MaxConcurrency 2"):
        change(3)
    counts = [{"VariantName": "main", "DesiredInstanceCount": 2}]
    with pytest.raises(ClientError, match='The variant "main" is serverless'):
        sagemaker.update_endpoint_weights_and_capacities(EndpointName="warm", DesiredWeightsAndCapacities=counts)
