"""The requests of an endpoint hold what its file says, and AWS's own models of the services take them."""

from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from shardyard.spec.requests.endpoint_scaling import step_policies, target, target_policy
from shardyard.spec.requests.endpoints import Site, config_request, endpoint_request, model_request
from shardyard.spec.rules import check_endpoint
from tests.support.spec.endpoints import KEY, endpoint, site

STEPS = {"metric": "cpu", "threshold": 80, "changes": [{"beyond": 0, "add": 1}, {"beyond": 15, "add": 3}]}
TOPIC = "arn:aws:sns:us-east-1:123456789012:failed"
SPECS: dict[str, dict[str, Any]] = {
    "least": {},
    "a and b": {"variants": {"main": {"weight": 9}, "next": {"instance_type": "ml.c5.xlarge", "volume": "40GB"}}},
    "shadow": {"variants": {"new": {"instance_type": "ml.m5.large", "shadow": True}}},
    "serverless": {
        "kind": "serverless",
        "variants": {"main": {"instance_type": None, "serverless": {"memory_mb": 4096, "provisioned": 2}}},
    },
    "scaled by schedule": {
        "variants": {
            "main": {
                "scaling": {
                    "most": 4,
                    "steps": STEPS,
                    "schedules": {"morning": {"at": "cron(0 8 ? * MON-FRI *)", "least": 2, "most": 4}},
                }
            }
        }
    },
    "queue to zero": {
        "kind": "asynchronous",
        "asynchronous": {"concurrency": 4, "error_topic": TOPIC, "include_answer": True},
        "variants": {"main": {"scaling": {"least": 0, "most": 4, "backlog": 5}}},
    },
    "many models": {"kind": "multi-model", "model": {"s3": "models/segments/"}, "multi_model": {"cache": False}},
    "files, captured, isolated": {
        "model": {"s3": "models/digits/"},
        "capture": {"percent": 20, "parts": "input"},
        "network": {"isolation": True},
    },
    "rolling": {
        "deployment": {"strategy": "rolling", "step_percent": 25, "bake": "1m"},
        "alarms": {"errors_5xx_percent": 1},
    },
}


def refusal(service: str, shape: str, request: dict[str, Any]) -> str:
    """What botocore says against a request; nothing where it takes it."""
    model = botocore.session.get_session().get_service_model(service)
    return ParamValidator().validate(request, model.shape_for(shape)).generate_report()


def as_api(request: dict[str, Any]) -> dict[str, Any]:
    """CloudFormation's names of an endpoint's fields as the API has them."""
    api = {key: value for key, value in request.items() if not key.startswith("Retain")}
    deployment = api.get("DeploymentConfig")
    return api if deployment is None else {**api, "DeploymentConfig": deployment}


@pytest.mark.parametrize("tables", SPECS.values(), ids=SPECS)
def test_the_service_models_take_every_request(tables: dict[str, Any]) -> None:
    spec = endpoint(**tables)
    assert check_endpoint(spec) == []
    here = site(spec)
    names = {name: f"model-{name}" for name in spec.variants}
    for name in spec.variants:
        model = {"ModelName": "m", **model_request(spec, name, here)}
        assert refusal("sagemaker", "CreateModelInput", model) == ""
    config = {"EndpointConfigName": "c", **config_request(spec, here, names)}
    assert refusal("sagemaker", "CreateEndpointConfigInput", config) == ""
    made = as_api(endpoint_request(spec, here, "c", ["alarm"]))
    assert refusal("sagemaker", "CreateEndpointInput", made) == ""
    for name in spec.scaled:
        scalable = target(spec, name, here.endpoint_name)
        actions = scalable.pop("ScheduledActions", [])
        assert refusal("application-autoscaling", "RegisterScalableTargetRequest", scalable) == ""
        for action in actions:
            given = {
                **{key: scalable[key] for key in ("ServiceNamespace", "ResourceId", "ScalableDimension")},
                **action,
            }
            assert refusal("application-autoscaling", "PutScheduledActionRequest", given) == ""
        policies = [one.policy for one in step_policies(spec, name, here.endpoint_name)]
        tracks = target_policy(spec.scaled[name], here.endpoint_name)
        for policy in [*policies, *([] if tracks is None else [tracks])]:
            given = {
                "PolicyName": "p",
                **{key: scalable[key] for key in scalable if not key.endswith("Capacity")},
                **policy,
            }
            assert refusal("application-autoscaling", "PutScalingPolicyRequest", given) == ""


def test_a_field_that_a_service_does_not_know_is_refused() -> None:
    assert "Unknown parameter" in refusal("sagemaker", "CreateModelInput", {"ModelName": "m", "Images": "x"})


def config_of(**tables: Any) -> dict[str, Any]:
    spec = endpoint(**tables)
    return config_request(spec, site(spec), {name: name for name in spec.variants})


def test_disks_are_encrypted_but_where_the_instances_bring_their_own() -> None:
    assert config_of()["KmsKeyId"] == KEY
    assert config_of(encryption={"volume_key": "mine"})["KmsKeyId"] == "mine"
    assert "KmsKeyId" not in config_of(variants={"main": {"instance_type": "ml.g5.xlarge"}})
    assert "KmsKeyId" not in config_of(**SPECS["serverless"])


def test_answers_and_captured_data_lie_in_the_artifact_bucket_under_the_project_s_key() -> None:
    output = config_of(**SPECS["queue to zero"])["AsyncInferenceConfig"]["OutputConfig"]
    assert output["S3OutputPath"] == "s3://artifacts/async/digits/answers/"
    assert output["S3FailurePath"] == "s3://artifacts/async/digits/failures/"
    assert output["KmsKeyId"] == KEY
    told = {"ErrorTopic": TOPIC, "IncludeInferenceResponseIn": ["ERROR_NOTIFICATION_TOPIC"]}
    assert output["NotificationConfig"] == told
    captured = config_of(**SPECS["files, captured, isolated"])["DataCaptureConfig"]
    assert (captured["DestinationS3Uri"], captured["KmsKeyId"]) == ("s3://artifacts/capture/digits/", KEY)
    assert captured["CaptureOptions"] == [{"CaptureMode": "Input"}]


@pytest.mark.parametrize(
    ("strategy", "routing"),
    [
        ("all-at-once", {"Type": "ALL_AT_ONCE"}),
        ("canary", {"Type": "CANARY", "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 20}}),
        ("linear", {"Type": "LINEAR", "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 20}}),
    ],
)
def test_a_blue_green_deployment_moves_the_traffic_as_its_file_says(strategy: str, routing: dict[str, Any]) -> None:
    spec = endpoint(deployment={"strategy": strategy, "step_percent": 20, "bake": "2m", "keep_old": "1m"})
    config = endpoint_request(spec, site(spec), "c", ["a", "b"])["DeploymentConfig"]
    policy = config["BlueGreenUpdatePolicy"]
    assert policy["TrafficRoutingConfiguration"] == {**routing, "WaitIntervalInSeconds": 120}
    assert policy["TerminationWaitInSeconds"] == 60
    assert config["AutoRollbackConfiguration"] == {"Alarms": [{"AlarmName": "a"}, {"AlarmName": "b"}]}


def test_what_scaled_out_stays_so_through_an_update() -> None:
    scaled = endpoint(**SPECS["scaled by schedule"])
    assert endpoint_request(scaled, site(scaled), "c", [])["RetainAllVariantProperties"] is True
    assert "RetainAllVariantProperties" not in endpoint_request(endpoint(), site(endpoint()), "c", [])


def test_outside_a_vpc_and_serverless_there_is_no_network() -> None:
    def network(spec: Any, **more: Any) -> Any:
        here: Site = site(spec, **more)
        return model_request(spec, "main", here).get("VpcConfig")

    assert network(endpoint()) == {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    assert network(endpoint(), subnets=()) is None
    assert network(endpoint(network={"vpc": False})) is None
    assert network(endpoint(**SPECS["serverless"])) is None


def test_a_variant_s_variables_are_laid_over_the_endpoint_s() -> None:
    spec = endpoint(environment={"A": "1", "B": "1"}, variants={"main": {"environment": {"B": "2"}}})
    assert model_request(spec, "main", site(spec))["PrimaryContainer"]["Environment"] == {"A": "1", "B": "2"}
