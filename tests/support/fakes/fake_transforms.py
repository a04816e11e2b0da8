"""CreateTransformJob, CreateModel and their like for the fakes of services: jobs end at once, as is said next."""

from datetime import timedelta
from typing import Any

from tests.support.fakes.fake_aws import OPERATIONS, STARTED, FakeAws, failure, fits_the_model

CODES = {
    "ml.m5.large for transform job usage": "L-M5",
    "ml.m5.xlarge for transform job usage": "L-M5-X",
    "Number of instances across all transform jobs": "L-T-ALL",
    "Number of instances for a transform job": "L-T-ONE",
}
"""The codes that a deploy would have resolved."""
TRANSFORMS: dict[str, dict[str, Any]] = {}
MODELS: dict[str, dict[str, Any]] = {}


def create(aws: FakeAws, **request: Any) -> Any:
    fits_the_model("CreateTransformJob", request)
    name = request["TransformJobName"]
    assert name not in TRANSFORMS, "a transform job's name is used twice"
    assert request["ModelName"] in MODELS, "its model is not there"
    outcome = dict(aws.outcomes.pop(0)) if aws.outcomes else {"TransformJobStatus": "Completed"}
    if "error" in outcome:
        raise failure(outcome["error"], outcome["message"])
    TRANSFORMS[name] = {
        **request,
        "TransformJobArn": f"arn:aws:sagemaker:us-east-1:123456789012:transform-job/{name}",
        "CreationTime": aws.now,
        "TransformStartTime": STARTED,
        "TransformEndTime": STARTED + timedelta(seconds=600),
        **outcome,
    }
    return {"TransformJobArn": TRANSFORMS[name]["TransformJobArn"]}


def describe(aws: FakeAws, *, TransformJobName: str) -> Any:
    if TransformJobName not in TRANSFORMS:
        raise failure("ValidationException", "Could not find requested job: not found")
    return TRANSFORMS[TransformJobName]


def stop(aws: FakeAws, *, TransformJobName: str) -> Any:
    TRANSFORMS[TransformJobName]["TransformJobStatus"] = "Stopping"
    return {}


def list_jobs(aws: FakeAws, *, MaxResults: int, **query: Any) -> Any:
    found = [
        job
        for name, job in TRANSFORMS.items()
        if query.get("NameContains", "") in name
        and query.get("StatusEquals", job["TransformJobStatus"]) == job["TransformJobStatus"]
    ]
    return {"TransformJobSummaries": found[:MaxResults]}


def create_model(aws: FakeAws, **request: Any) -> Any:
    fits_the_model("CreateModel", request)
    name = request["ModelName"]
    if name in MODELS:
        raise failure("ValidationException", f"Cannot create already existing model {name}")
    MODELS[name] = {**request, "ModelArn": f"arn:aws:sagemaker:us-east-1:123456789012:model/{name}"}
    return {"ModelArn": MODELS[name]["ModelArn"]}


def delete_model(aws: FakeAws, *, ModelName: str) -> Any:
    if MODELS.pop(ModelName, None) is None:
        raise failure("ValidationException", f"Could not find model {ModelName}")
    return {}


def list_models(aws: FakeAws, *, NameContains: str, MaxResults: int) -> Any:
    return {"Models": [model for name, model in MODELS.items() if NameContains in name][:MaxResults]}


OPERATIONS |= {
    "create_transform_job": create,
    "describe_transform_job": describe,
    "list_transform_jobs": list_jobs,
    "stop_transform_job": stop,
    "create_model": create_model,
    "delete_model": delete_model,
    "list_models": list_models,
}
