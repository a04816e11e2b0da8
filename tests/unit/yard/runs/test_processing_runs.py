"""Runs of processing jobs: told as others are told, their logs, their outputs, and what a launch may name of them."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from shardyard.spec import names
from shardyard.spec.errors import SpecError
from shardyard.spec.jobs.overrides import LaunchInput
from shardyard.spec.jobs.processing.processing import ProcessingSpec
from tests.support.launches import DEPLOYMENT
from tests.support.spec.processing_rule_cases import BASE
from tests.support.spec.spec_tables import over
from yard.errors import UserError
from yard.launches import launching, shown
from yard.plan import make_plan
from yard.runs import artifacts, jobs
from yard.runs.runs import Run
from yard.runs.view import View

NAMED = {"inputs": {"model": {"bucket": "artifacts", "s3": "runs/", "named_at_launch": True}}}
STARTED = datetime(2026, 11, 21, 7, 30, tzinfo=UTC)
RUN = Run(
    job="prepare",
    run_id="20261121-073000-ab12",
    execution_arn="arn",
    status="SUCCEEDED",
    started=STARTED,
    stopped=None,
    kind="processing",
)
NAME = f"prepare-{RUN.run_id}-1"
JOB = {
    "ProcessingJobName": NAME,
    "ProcessingJobArn": f"arn:aws:sagemaker:us-east-1:123456789012:processing-job/{NAME}",
    "ProcessingJobStatus": "Completed",
    "ExitMessage": "2 shards",
    "CreationTime": STARTED,
    "ProcessingStartTime": STARTED,
    "ProcessingEndTime": STARTED + timedelta(seconds=90),
    "AppSpecification": {"ImageUri": "image:1", "ContainerArguments": ["process", "a.b", "--n", "1"]},
    "ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 30}},
    "ProcessingOutputConfig": {
        "Outputs": [
            {"OutputName": "shards", "S3Output": {"S3Uri": "s3://data/shards/"}},
            {"OutputName": "report", "S3Output": {"S3Uri": "s3://data/report/"}},
        ]
    },
}


class Account:
    """SageMaker and S3 with one job."""

    region = "us-east-1"

    def __init__(self, **changes: Any) -> None:
        self.job = {**JOB, **changes}
        self.objects = {"shards/0.npy": b"a"}
        self.receipt = {"model": None, "outputs": {"shards": "s3://data/shards/"}, "run_id": RUN.run_id}

    def artifact_bucket(self) -> str:
        return "artifacts"

    def client(self, service: str) -> Any:
        def pages(**query: Any) -> list[dict[str, Any]]:
            if service == "s3":
                keys = [key for key in self.objects if key.startswith(query["Prefix"])]
                return [{"Contents": [{"Key": key, "Size": 1, "ETag": "e"} for key in keys]}]
            return [{"ProcessingJobSummaries": [self.job]}]

        def get_object(Bucket: str, Key: str) -> Any:
            assert Key == names.receipt_key(RUN.run_id)
            body = json.dumps(self.receipt).encode()
            return {"Body": SimpleNamespace(read=lambda most: body)}

        return SimpleNamespace(
            get_paginator=lambda operation: SimpleNamespace(paginate=pages),
            describe_processing_job=lambda ProcessingJobName: self.job,
            get_object=get_object,
        )


def test_a_processing_job_is_told_in_the_words_that_follow_a_run() -> None:
    aws: Any = Account()
    (attempt,) = jobs.attempts(aws, RUN)
    described = jobs.describe(aws, RUN, attempt["TrainingJobName"])
    assert described["BillableTimeInSeconds"] == 90
    view = View(job=RUN.job, run_id=RUN.run_id, region="us-east-1")
    view.observe([attempt], described, RUN.status)
    assert sorted(view.nodes) == ["algo-1", "algo-2"] and view.training_seconds == 90
    assert jobs.settings_of(described)["arguments"] == ["process", "a.b", "--n", "1"]


@pytest.mark.parametrize(
    ("changes", "phase", "reason"),
    [
        ({"ProcessingJobStatus": "InProgress", "ProcessingStartTime": None}, "Starting", None),
        ({"ProcessingJobStatus": "InProgress"}, "Training", None),
        ({"ProcessingJobStatus": "Failed", "FailureReason": "AlgorithmError"}, "Failed", "AlgorithmError 2 shards"),
    ],
)
def test_how_it_stands_and_why_it_failed(changes: dict[str, Any], phase: str, reason: str | None) -> None:
    aws: Any = Account(**changes)
    described = jobs.describe(aws, RUN, NAME)
    assert (described["SecondaryStatus"], described.get("FailureReason")) == (phase, reason)


def test_one_of_its_outputs_is_downloaded_by_name() -> None:
    aws: Any = Account()
    found = artifacts.outputs(aws, RUN, "shards")
    assert (found.bucket, found.prefix) == ("data", "shards/")
    with pytest.raises(UserError, match="has several outputs"):
        artifacts.outputs(aws, RUN)
    with pytest.raises(UserError, match="has no output 'sharsd'"):
        artifacts.outputs(aws, RUN, "sharsd")
    with pytest.raises(UserError, match="There is nothing under s3://data/report/ yet"):
        artifacts.outputs(aws, RUN, "report")


def test_an_input_is_named_by_an_address_or_by_a_run() -> None:
    aws: Any = Account()
    given = {"a": "s3://b/c/", "b": f"{RUN.run_id}/shards"}
    assert launching.input_addresses(aws, given) == {"a": "s3://b/c/", "b": "s3://data/shards/"}
    with pytest.raises(UserError, match="has no model"):
        launching.input_addresses(aws, {"model": RUN.run_id})
    with pytest.raises(UserError, match="has no output 'x'; it has shards"):
        launching.input_addresses(aws, {"a": f"{RUN.run_id}/x"})
    aws.receipt["model"] = "s3://artifacts/runs/r/model.tar.gz"
    assert launching.input_addresses(aws, {"model": RUN.run_id}) == {"model": "s3://artifacts/runs/r/model.tar.gz"}


def test_the_plan_of_a_processing_job_says_what_it_reads_and_writes(tmp_path: Any) -> None:
    tables = {"inputs": {"raw": {"s3": "digits/raw/"}}, "outputs": {"shards": {"s3": "digits/shards/"}, "report": {}}}
    spec = ProcessingSpec.from_dict(over(BASE, tables))
    plan = make_plan(spec, LaunchInput.from_dict({"arguments": ["--n", "1"]}), region="us-east-1")
    facts = shown.as_facts(plan, tmp_path)
    assert facts["program"] == "training.processing.digits --n 1"
    assert facts["data"] == "raw (digits/raw/, File)"
    assert facts["writes"] == "shards (digits/shards/), report (its run)"
    assert shown.as_json(plan)["outputs"]["shards"] == {"s3": "digits/shards/", "upload": "EndOfJob"}


@pytest.mark.parametrize("deployment", [None, DEPLOYMENT], ids=["the file", "what is deployed"])
@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "prepare: inputs.model: each launch names its address below "),
        ({"model": "s3://elsewhere/x"}, "prepare: inputs.model: s3://elsewhere/x is not below "),
        ({"model": "digits/"}, "is not below "),
    ],
    ids=["missing", "elsewhere", "another prefix"],
)
def test_a_plan_refuses_what_preflight_would_of_the_inputs(deployment: Any, given: dict[str, str], says: str) -> None:
    spec = ProcessingSpec.from_dict(over(BASE, NAMED))
    with pytest.raises(SpecError) as refused:
        make_plan(spec, LaunchInput.from_dict({"inputs": given}), region="us-east-1", deployment=deployment)
    assert says in str(refused.value) and "runs/" in str(refused.value)


@pytest.mark.parametrize("deployment", [None, DEPLOYMENT], ids=["the file", "what is deployed"])
@pytest.mark.parametrize("address", ["runs/r/model.tar.gz", "s3://artifacts/runs/r/model.tar.gz"])
def test_a_plan_takes_an_input_below_the_one_of_the_file(deployment: Any, address: str) -> None:
    spec = ProcessingSpec.from_dict(over(BASE, NAMED))
    given = LaunchInput.from_dict({"inputs": {"model": address}})
    assert make_plan(spec, given, region="us-east-1", deployment=deployment).spec.inputs["model"].s3 == address
