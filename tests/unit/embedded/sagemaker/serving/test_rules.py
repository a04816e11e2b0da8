"""What CreateModel and CreateEndpointConfig refuse, and that no field of theirs is taken without being honoured."""

from typing import Any

import botocore.session
import pytest

from embedded.operations import Call, ServiceError
from embedded.services.sagemaker.serving.records import config_rules, model_rules
from embedded.services.sagemaker.serving.records.config_rules import check_create, check_update
from embedded.services.sagemaker.serving.records.store import Record

CALL = Call(account="123456789012", region="us-east-1", principal="")
SAGEMAKER: Any = botocore.session.get_session().get_service_model("sagemaker")
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/a:1"

HONOURED_OF_CONFIGS = {
    *("EndpointConfigName", "ProductionVariants", "ShadowProductionVariants", "DataCaptureConfig", "Tags"),
    *("KmsKeyId", "AsyncInferenceConfig"),
}
# some of them are only kept, as the page of the embedded cloud says: nothing here could tell whether they count
HONOURED_OF_VARIANTS = {
    *("VariantName", "ModelName", "InitialInstanceCount", "InstanceType", "InitialVariantWeight", "ServerlessConfig"),
    *("VolumeSizeInGB", "ModelDataDownloadTimeoutInSeconds", "ContainerStartupHealthCheckTimeoutInSeconds"),
    *("RoutingConfig", "InferenceAmiVersion"),
}
HONOURED_OF_CONTAINERS = {
    *("ContainerHostname", "Image", "Mode", "ModelDataUrl", "ModelDataSource", "AdditionalModelDataSources"),
    *("Environment", "ModelPackageName", "InferenceSpecificationName", "MultiModelConfig"),
}
HONOURED_OF_SOURCES = {"S3Uri", "S3DataType", "CompressionType", "ModelAccessConfig"}


def members(operation: str, *path: str) -> set[str]:
    shape = SAGEMAKER.operation_model(operation).input_shape
    for name in path:
        shape = shape.members[name]
        shape = shape.member if shape.type_name == "list" else shape
    return set(shape.members)


@pytest.mark.parametrize(
    ("all_of_them", "honoured", "refused"),
    [
        (members("CreateEndpointConfig"), HONOURED_OF_CONFIGS, config_rules._NOT_HONOURED),
        (
            members("CreateEndpointConfig", "ProductionVariants"),
            HONOURED_OF_VARIANTS,
            config_rules._NOT_HONOURED_OF_VARIANTS,
        ),
        (members("CreateModel", "PrimaryContainer"), HONOURED_OF_CONTAINERS, model_rules._NOT_HONOURED),
        (
            members("CreateModel", "PrimaryContainer", "ModelDataSource", "S3DataSource"),
            HONOURED_OF_SOURCES,
            model_rules._NOT_HONOURED_OF_SOURCES,
        ),
    ],
)
def test_every_field_of_the_service_is_honoured_or_refused_by_name(
    all_of_them: set[str], honoured: set[str], refused: dict[str, str]
) -> None:
    assert honoured | set(refused) == all_of_them and not honoured & set(refused)


def variant(name: str = "a", **fields: Any) -> dict[str, Any]:
    made = {"VariantName": name, "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1, **fields}
    return {key: value for key, value in made.items() if value is not None}


SERVERLESS = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
ON_DEMAND = variant(InstanceType=None, InitialInstanceCount=None, ServerlessConfig=SERVERLESS)
OUTPUT = {"OutputConfig": {"S3OutputPath": "s3://b/o"}}
CAPTURE = {"InitialSamplingPercentage": 1, "DestinationS3Uri": "s3://b/c", "CaptureOptions": [{"CaptureMode": "Input"}]}
TWICE = {**CAPTURE, "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Input"}]}


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The request of the model that every variant names."""
    request: dict[str, Any] = {"PrimaryContainer": {"Image": IMAGE}}
    found = Record(account="1", region="r", name="m", arn="a", request=request)
    monkeypatch.setattr(config_rules.models, "get", lambda *_: found)
    return request


def refusal(*variants: dict[str, Any], **fields: Any) -> str:
    with pytest.raises(ServiceError) as caught:
        check_create(CALL, {"ProductionVariants": list(variants), **fields})
    assert caught.value.code == "ValidationException"
    return caught.value.message


@pytest.mark.usefixtures("model")
def test_what_fits_together_is_taken() -> None:
    check_create(CALL, {"ProductionVariants": [variant("a"), variant("b")], "DataCaptureConfig": CAPTURE})
    check_create(CALL, {"ProductionVariants": [ON_DEMAND]})
    check_create(CALL, {"ProductionVariants": [variant()], "AsyncInferenceConfig": OUTPUT})
    check_create(CALL, {"ProductionVariants": [variant()], "ShadowProductionVariants": [variant("s")]})


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize(
    ("variants", "fields", "said"),
    [
        ([variant(), variant()], {}, "names of variants must be unique, but they are a, a"),
        ([variant(ModelName=None)], {}, "ModelName is required: inference components are not emulated"),
        ([variant(InstanceType=None)], {}, "InstanceType is required for a variant without ServerlessConfig"),
        ([variant(InitialVariantWeight=0.0)], {}, "must be greater than 0"),
        ([variant(RoutingConfig={"RoutingStrategy": "KV_AWARE"})], {}, "RoutingStrategy KV_AWARE is not emulated"),
        ([variant(AcceleratorType="ml.eia1.medium")], {}, "AcceleratorType is not emulated: Elastic Inference"),
        ([variant(InstanceType="ml.g5.xlarge", VolumeSizeInGB=5)], {}, "ml.g5.xlarge, which has local storage"),
        ([variant()], {"ExplainerConfig": {"x": 1}}, "ExplainerConfig is not emulated: SageMaker Clarify"),
        ([variant(), variant("b")], {"ShadowProductionVariants": [variant("s")]}, "exactly one production variant"),
        ([ON_DEMAND, variant("b")], {}, "can have one production variant only"),
        ([{**ON_DEMAND, "InstanceType": "ml.m5.large"}], {}, "InstanceType is not supported with ServerlessConfig"),
        ([{**ON_DEMAND, "ServerlessConfig": SERVERLESS | {"MemorySizeInMB": 1500}}], {}, "5120, 6144, not 1500"),
        ([{**ON_DEMAND, "ServerlessConfig": SERVERLESS | {"ProvisionedConcurrency": 6}}], {}, "more than MaxConc"),
        ([ON_DEMAND], {"DataCaptureConfig": CAPTURE}, "DataCaptureConfig is not supported with ServerlessConfig"),
        ([variant(), variant("b")], {"AsyncInferenceConfig": OUTPUT}, "asynchronous endpoint can have one"),
        ([variant()], {"AsyncInferenceConfig": {"OutputConfig": {}}}, "S3OutputPath is required"),
        ([variant()], {"DataCaptureConfig": TWICE}, "must not repeat a mode"),
    ],
)
def test_what_excludes_what_is_said_by_name(variants: list[dict[str, Any]], fields: dict[str, Any], said: str) -> None:
    assert said in refusal(*variants, **fields)


def test_a_model_may_exclude_what_its_variant_asks_for(model: dict[str, Any]) -> None:
    model["EnableNetworkIsolation"] = True
    assert "EnableNetworkIsolation of the model m is not supported with ServerlessConfig" in refusal(ON_DEMAND)
    model["PrimaryContainer"] = {"Image": IMAGE, "Mode": "MultiModel", "ModelDataUrl": "s3://b/m/"}
    assert "needs a model of one container in Mode SingleModel" in refusal(ON_DEMAND)
    said = refusal(variant(), AsyncInferenceConfig=OUTPUT)
    assert "a multi-model container cannot serve an asynchronous endpoint" in said


@pytest.mark.usefixtures("model")
def test_all_problems_are_said_at_once() -> None:
    said = refusal(variant(InstanceType=None, InitialInstanceCount=None), DataCaptureConfig=TWICE)
    assert said.count("is required") == 2 and "must not repeat a mode" in said


def test_an_endpoint_keeps_its_kind() -> None:
    plain, later = {"ProductionVariants": [variant()]}, {"ProductionVariants": [variant()], "AsyncInferenceConfig": {}}
    check_update(plain, plain)
    with pytest.raises(ServiceError, match="not asynchronous cannot be updated to a configuration that is async"):
        check_update(plain, later)


@pytest.mark.parametrize(
    ("request_of_model", "said"),
    [
        ({}, "Exactly one of PrimaryContainer and Containers"),
        ({"PrimaryContainer": {}}, "exactly one of Image and ModelPackageName"),
        ({"PrimaryContainer": {"Image": "a/b:c"}}, 'Using non-ECR image "a/b:c"'),
        ({"PrimaryContainer": {"Image": IMAGE, "Mode": "MultiModel"}}, "needs a ModelDataUrl"),
        ({"PrimaryContainer": {"Image": IMAGE, "MultiModelConfig": {}}}, "only be given with Mode MultiModel"),
        (
            {"PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": "s3://b/k", "ModelDataSource": {}}},
            "Only one of ModelDataUrl and ModelDataSource",
        ),
        (
            {"Containers": [{"Image": IMAGE}, {"Image": IMAGE}], "InferenceExecutionConfig": {"Mode": "Direct"}},
            "every container needs a ContainerHostname",
        ),
        ({"PrimaryContainer": {"Image": IMAGE, "ImageConfig": {"x": 1}}}, "ImageConfig is not emulated"),
        ({"PrimaryContainer": {"Image": IMAGE}}, "ExecutionRoleArn is required"),
    ],
)
def test_a_model_that_the_service_refuses_is_refused(request_of_model: dict[str, Any], said: str) -> None:
    with pytest.raises(ServiceError) as caught:
        model_rules.check_create(CALL, {"ModelName": "m", **request_of_model})
    assert said in caught.value.message
