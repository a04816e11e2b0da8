"""Endpoints that fail, are faulted, come back with the cloud, and are deployed by templates."""

import json
from collections import Counter
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.clouds.serving_cloud import ServingCloud, variant
from tests.support.clouds.training_cloud import wait_until


def test_an_endpoint_whose_container_is_never_well_fails_with_its_last_lines(cloud: ServingCloud) -> None:
    said = cloud.serve("crashes", cloud.simple("crashes", CRASHES="yes"))
    assert said["EndpointStatus"] == "Failed"
    start = "The primary container for production variant main did not pass the ping health check."
    assert said["FailureReason"].startswith(start) and said["FailureReason"].endswith("cannot read the weights")
    with pytest.raises(ClientError, match="Endpoint crashes of account 123456789012 not found"):
        cloud.invoke("crashes")


def test_no_capacity_fails_an_endpoint_in_the_services_words(cloud: ServingCloud) -> None:
    cloud.admin("capacity", instance_type="ml.c5.large", count=1)
    cloud.config("big", variant("main", cloud.model("big"), count=2, InstanceType="ml.c5.large"))
    said = cloud.serve("big", "big")
    assert said["EndpointStatus"] == "Failed" and "InsufficientInstanceCapacity" in said["FailureReason"]


def answer_or_code(cloud: ServingCloud, endpoint: str) -> str:
    try:
        return cloud.invoke(endpoint)
    except ClientError as error:
        return str(error.response["Error"]["Code"])


def test_a_killed_instance_comes_back_and_a_sick_one_gets_no_requests(cloud: ServingCloud) -> None:
    cloud.serve("pair", cloud.simple("pair", "a", count=2))

    def states() -> list[str]:
        return sorted(one["state"] for one in cloud.admin("endpoints", name="pair")["endpoints"][0]["instances"])

    first = cloud.admin("endpoints", name="pair")["endpoints"][0]["instances"][0]["id"]
    cloud.admin("endpoint-fault", name="pair", instance=first, kill=True)
    answers = Counter(answer_or_code(cloud, "pair") for _ in range(20))
    # the dying instance may have taken one request with it
    assert answers["a:1"] >= 19 and answers["a:1"] + answers["ModelError"] == 20, "the other one answers"
    wait_until(lambda: "sick" in states(), 10, "the note of it")
    wait_until(lambda: states() == ["well", "well"], 20, "its return")
    cloud.admin("endpoint-fault", name="pair", sick=True)
    wait_until(lambda: states() == ["sick", "sick"], 20, "the failing health checks")
    runtime = cloud.client("sagemaker-runtime")
    with pytest.raises(ClientError) as caught:
        runtime.invoke_endpoint(EndpointName="pair", Body=b"1")
    assert caught.value.response["Error"]["Code"] == "ServiceUnavailable"
    cloud.admin("endpoint-fault", name="pair", sick=False, slow=0.5)
    wait_until(lambda: states() == ["well", "well"], 20, "the end of the fault")
    cloud.invoke("pair")
    metrics = cloud.client("cloudwatch").list_metrics(Namespace="/aws/sagemaker/Endpoints")["Metrics"]
    assert {"CPUUtilization", "MemoryUtilization", "DiskUtilization"} <= {one["MetricName"] for one in metrics}
    wait_until(lambda: cloud.metric("ModelLatency", "pair", "Maximum") > 500_000, 10, "the slow request")
    with pytest.raises(AssertionError, match="no such fault: explode"):
        cloud.admin("endpoint-fault", name="pair", explode=True)


def test_names_are_taken_once_and_what_is_not_there_is_named_by_its_arn(cloud: ServingCloud) -> None:
    sagemaker, arn = cloud.client("sagemaker"), "arn:aws:sagemaker:us-east-1:123456789012"
    cloud.model("once")
    with pytest.raises(ClientError, match=f'Cannot create already existing model "{arn}:model/once"'):
        cloud.model("once")
    with pytest.raises(ClientError, match=f'Could not find endpoint configuration "{arn}:endpoint-config/none"'):
        sagemaker.create_endpoint(EndpointName="none", EndpointConfigName="none")
    with pytest.raises(ClientError, match=f'Could not find endpoint "{arn}:endpoint/none"'):
        sagemaker.describe_endpoint(EndpointName="none")
    with pytest.raises(ClientError, match="Could not find model data at s3://training-bucket/nowhere"):
        definition = {"Image": cloud.uri("server"), "ModelDataUrl": "s3://training-bucket/nowhere"}
        sagemaker.create_model(ModelName="empty", ExecutionRoleArn=cloud.role, PrimaryContainer=definition)
    with pytest.raises(ClientError, match=r"Requested image \S+/test/nobody:1 not found"):
        definition = {"Image": cloud.uri("nobody")}
        sagemaker.create_model(ModelName="empty", ExecutionRoleArn=cloud.role, PrimaryContainer=definition)


def template(answer: str, **endpoint: Any) -> str:
    """A stack of a model, a configuration and an endpoint, all unnamed but the endpoint."""
    return json.dumps(
        {
            "Parameters": {"Role": {"Type": "String"}, "Image": {"Type": "String"}},
            "Resources": {
                "Model": {
                    "Type": "AWS::SageMaker::Model",
                    "Properties": {
                        "ExecutionRoleArn": {"Ref": "Role"},
                        "PrimaryContainer": {"Image": {"Ref": "Image"}, "Environment": {"ANSWER": answer}},
                    },
                },
                "Config": {
                    "Type": "AWS::SageMaker::EndpointConfig",
                    "Properties": {
                        "ProductionVariants": [
                            {
                                "VariantName": "main",
                                "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
                                "InitialInstanceCount": 1,
                                "InstanceType": "ml.m5.large",
                                "InitialVariantWeight": 1,
                            }
                        ]
                    },
                },
                "Endpoint": {
                    "Type": "AWS::SageMaker::Endpoint",
                    "Properties": {
                        "EndpointName": "stacked",
                        "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
                        "RetainAllVariantProperties": True,
                        "Tags": [{"Key": "project", "Value": "p"}],
                        **endpoint,
                    },
                },
            },
        }
    )


def test_a_stack_deploys_updates_and_deletes_an_endpoint(cloud: ServingCloud) -> None:
    stacks = cloud.client("cloudformation")
    parameters = [
        {"ParameterKey": "Role", "ParameterValue": cloud.role},
        {"ParameterKey": "Image", "ParameterValue": cloud.uri("server")},
    ]

    def status(action: str) -> str:
        def done() -> bool:
            return not stacks.describe_stacks(StackName="s")["Stacks"][0]["StackStatus"].endswith("_IN_PROGRESS")

        wait_until(done, 60, action)
        return str(stacks.describe_stacks(StackName="s")["Stacks"][0]["StackStatus"])

    stacks.create_stack(StackName="s", TemplateBody=template("one"), Parameters=parameters)
    assert status("creation") == "CREATE_COMPLETE"
    assert cloud.invoke("stacked") == "one:1"
    verified = cloud.admin("verify", stack="s")
    assert verified["right"], verified["rows"]
    before = cloud.describe_endpoint("stacked")
    stacks.update_stack(StackName="s", TemplateBody=template("two"), Parameters=parameters)
    assert status("update") == "UPDATE_COMPLETE"
    after = cloud.describe_endpoint("stacked")
    assert cloud.invoke("stacked") == "two:1" and after["EndpointArn"] == before["EndpointArn"]
    assert after["EndpointConfigName"] != before["EndpointConfigName"]
    assert len(cloud.client("sagemaker").list_models(NameContains="s-Model")["Models"]) == 1, "the old one is gone"
    bad = template("three").replace('"ANSWER": "three"', '"CRASHES": "yes"')
    stacks.update_stack(StackName="s", TemplateBody=bad, Parameters=parameters)
    assert status("rollback") == "UPDATE_ROLLBACK_COMPLETE"
    reasons = [
        one.get("ResourceStatusReason", "") for one in stacks.describe_stack_events(StackName="s")["StackEvents"]
    ]
    assert any("was rolled back: the endpoint is InService" in reason for reason in reasons)
    assert cloud.invoke("stacked") == "two:1"
    stacks.delete_stack(StackName="s")
    wait_until(lambda: "stacked" not in str(cloud.client("sagemaker").list_endpoints()["Endpoints"]), 40, "its end")
