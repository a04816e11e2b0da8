"""A registered model once more, with what an evaluation found of it."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from shardyard.spec import names, receipts
from yard.errors import UserError
from yard.runs import evaluated
from yard.runs.runs import Run

STARTED = datetime(2026, 11, 21, 7, 30, tzinfo=UTC)
PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/mnist/3"


def run(job: str, run_id: str, kind: str = "training", status: str = "SUCCEEDED") -> Run:
    return Run(job=job, run_id=run_id, execution_arn="arn", status=status, started=STARTED, stopped=STARTED, kind=kind)


TRAINED = run("mnist", "20261121-073000-aaaa")
EVALUATION = run("evaluate", "20261121-083000-bbbb", "processing")
MODEL = f"s3://artifacts/{names.run_prefix(TRAINED.run_id)}mnist-1/output/model.tar.gz"
REPORT = {
    "multiclass_classification_metrics": {"accuracy": {"value": 0.97, "standard_deviation": "NaN"}},
    "metrics": {"accuracy": 0.97, "samples": 360, "by_label": {"0": {"f1": 1.0}}},
}


class Account:
    """A training run that has registered its model, and an evaluation that has read it."""

    region = "us-east-1"

    def __init__(self) -> None:
        self.made: list[dict[str, Any]] = []
        self.read = MODEL
        self.file = "evaluation.json"
        self.package: str | None = PACKAGE
        self.metadata = {"run_id": TRAINED.run_id, "metric.loss": "0.1"}

    def artifact_bucket(self) -> str:
        return "artifacts"

    def client(self, service: str) -> Any:
        return SimpleNamespace(
            get_paginator=lambda name: SimpleNamespace(paginate=lambda **query: self.pages(name)),
            describe_processing_job=lambda ProcessingJobName: self.job(),
            describe_model_package=self.describe,
            create_model_package=self.create,
            get_object=self.get_object,
        )

    def job(self) -> dict[str, Any]:
        return {
            "ProcessingJobName": f"evaluate-{EVALUATION.run_id}-1",
            "ProcessingJobArn": "arn",
            "ProcessingJobStatus": "Completed",
            "CreationTime": STARTED,
            "ProcessingInputs": [{"InputName": "model", "S3Input": {"S3Uri": self.read}}],
            "ProcessingOutputConfig": {
                "Outputs": [{"OutputName": "report", "S3Output": {"S3Uri": "s3://artifacts/report/"}}]
            },
        }

    def pages(self, name: str) -> list[dict[str, Any]]:
        if name == "list_processing_jobs":
            return [{"ProcessingJobSummaries": [self.job()]}]
        return [{"Contents": [{"Key": f"report/{self.file}", "Size": 9, "ETag": "e"}]}]

    def get_object(self, Bucket: str, Key: str) -> Any:
        if Key.endswith("receipt.json"):
            found: dict[str, Any] = {"model_package_arn": self.package, "outputs": {"report": "s3://artifacts/report/"}}
        else:
            found = REPORT
        return {"Body": SimpleNamespace(read=lambda most: json.dumps(found).encode())}

    def describe(self, ModelPackageName: str) -> dict[str, Any]:
        return {
            "ModelPackageName": "mnist",
            "ModelPackageGroupName": "mnist",
            "ModelPackageVersion": 3,
            "ModelPackageArn": ModelPackageName,
            "ModelApprovalStatus": "Approved",
            "InferenceSpecification": {
                "Containers": [{"Image": "image:1", "ModelDataUrl": MODEL}],
                "SupportedContentTypes": ["application/json"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
            "MetadataProperties": {"ProjectId": "yard"},
            "CustomerMetadataProperties": self.metadata,
        }

    def create(self, **request: Any) -> dict[str, Any]:
        self.made.append(request)
        return {"ModelPackageArn": PACKAGE.replace("/3", "/4")}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(receipts, "read", json.loads)
    return Account()


def test_the_new_version_has_the_evaluation_as_its_model_quality(account: Any) -> None:
    told = evaluated.register(account, TRAINED, EVALUATION)
    assert told["model_package_arn"].endswith("/4") and told["registered_before"] == PACKAGE
    [made] = account.made
    shape = botocore.session.get_session().get_service_model("sagemaker").operation_model("CreateModelPackage")
    report = ParamValidator().validate(made, shape.input_shape)
    assert not report.has_errors(), report.generate_report()
    statistics = made["ModelMetrics"]["ModelQuality"]["Statistics"]
    assert statistics == {"ContentType": "application/json", "S3Uri": "s3://artifacts/report/evaluation.json"}
    assert made["ModelApprovalStatus"] == "PendingManualApproval", "the approval was for what was known before"
    assert made["InferenceSpecification"]["Containers"][0]["ModelDataUrl"] == MODEL
    assert made["CustomerMetadataProperties"] == {
        "evaluation.accuracy": "0.97",
        "evaluation.samples": "360",
        "run_id": TRAINED.run_id,
        "metric.loss": "0.1",
        "evaluated_by": EVALUATION.run_id,
    }


def test_no_more_properties_are_told_than_the_registry_takes(account: Any) -> None:
    account.metadata = {f"metric.m{number}": "1" for number in range(50)}
    evaluated.register(account, TRAINED, EVALUATION)
    properties = account.made[0]["CustomerMetadataProperties"]
    assert len(properties) == 50 and properties["evaluation.accuracy"] == "0.97"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"package": None}, f"The run {TRAINED.run_id} of mnist has registered no model."),
        ({"read": "s3://artifacts/runs/20261101-000000-cccc/m/"}, "has not read the model of"),
        ({"file": "other.json"}, f"The run {EVALUATION.run_id} of evaluate has written no evaluation.json."),
    ],
)
def test_what_does_not_belong_together_is_refused(account: Any, change: dict[str, Any], said: str) -> None:
    for name, value in change.items():
        setattr(account, name, value)
    with pytest.raises(UserError, match=said.replace(".", r"\.")):
        evaluated.register(account, TRAINED, EVALUATION)
    assert account.made == []


@pytest.mark.parametrize("other", [TRAINED, run("evaluate", "20261121-083000-bbbb", "processing", "RUNNING")])
def test_an_evaluation_is_a_processing_run_that_has_succeeded(account: Any, other: Run) -> None:
    with pytest.raises(UserError, match="is no processing run that has succeeded"):
        evaluated.register(account, TRAINED, other)
