"""An account with a few runs in it, for screens: the answers have the services' shapes and never change."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from shardyard.spec import names

NOW = datetime(2026, 11, 28, 23, 56, 20, tzinfo=UTC)
TRAINING, TRAINED, FAILED, STOPPED = (
    "20261128-235510-7f16",
    "20261128-234940-09ab",
    "20261127-070000-c3d4",
    "20261126-183000-e5f6",
)
_MACHINE = "arn:aws:states:us-east-1:123456789012:execution:shardyard-dev-gpt-fsdp"
_CAUSE = (
    "AlgorithmError: rank 3 of algo-2 ended with exit code 1: ValueError: the vocabulary has 50304 tokens and the data "
    "50257 (/opt/ml/code/train.py, line 212)"
)
_STATUS = {TRAINING: "RUNNING", TRAINED: "SUCCEEDED", FAILED: "FAILED", STOPPED: "ABORTED"}
_STARTED = {run: datetime.strptime(run[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC) for run in _STATUS}
_RATES = {TRAINING: "0.0003", TRAINED: "0.0003", FAILED: "0.001", STOPPED: "0.003"}

ABOUT = {
    "version": 1,
    "name": "wide, slow",
    "tags": {"baseline": "", "owner": "ann"},
    "notes": [{"at": "2026-11-29T08:12:00+00:00", "text": "The loss still falls at its end; twice the steps next."}],
}


def training_job(run: str) -> dict[str, Any]:
    """A run's training job as DescribeTrainingJob tells of it."""
    ends = {
        TRAINING: ("InProgress", "Training"),
        TRAINED: ("Completed", "Completed"),
        FAILED: ("Failed", "Failed"),
        STOPPED: ("Stopped", "Stopped"),
    }
    status, secondary = ends[run]
    job: dict[str, Any] = {
        "TrainingJobName": names.training_job_name("gpt-fsdp", run, 1),
        "TrainingJobStatus": status,
        "SecondaryStatus": secondary,
        "AlgorithmSpecification": {
            "TrainingImage": f"123456789012.dkr.ecr.us-east-1.amazonaws.com/shardyard-dev/pytorch:{run[-4:] * 4}"
        },
        "ResourceConfig": {"InstanceType": "ml.g5.12xlarge", "InstanceCount": 8, "VolumeSizeInGB": 100},
        "HyperParameters": {"learning_rate": _RATES[run], "batch_size": "8"},
        "Environment": {"SHARDYARD_SOURCE_SHA256": run[-4:] * 16},
        "EnableManagedSpotTraining": True,
        "TrainingStartTime": _STARTED[run] + timedelta(seconds=50),
    }
    if run != TRAINING:
        job |= {
            "TrainingEndTime": _STARTED[run] + timedelta(hours=1, minutes=12),
            "TrainingTimeInSeconds": 4270,
            "BillableTimeInSeconds": 1280,
            "FinalMetricDataList": [
                {"MetricName": "loss", "Value": 3.04417, "Timestamp": NOW},
                {"MetricName": "step", "Value": 2000.0, "Timestamp": NOW},
                {"MetricName": "tokens_per_second", "Value": 81134.2, "Timestamp": NOW},
            ],
        }
    if run == FAILED:
        job["FailureReason"] = _CAUSE
    return job


def receipt(run: str) -> dict[str, Any]:
    """What a run left."""
    name, bucket = names.training_job_name("gpt-fsdp", run, 1), "shardyard-dev-storage-artifacts"
    attempt = {
        "name": name,
        "status": "Completed",
        "secondary_status": "Completed",
        "reason": "",
        "instances": [{"type": "ml.g5.12xlarge", "count": 8}],
        "interruptions": 1,
        "cost_usd": 16.13,
    }
    home = "https://us-east-1.console.aws.amazon.com"
    log = f"{home}/cloudwatch/home?region=us-east-1#logsV2:log-groups/log-group/x$3FlogStreamNameFilter$3D{name}/"
    return {
        "run_id": run,
        "job": "gpt-fsdp",
        "outcome": "Completed" if run == TRAINED else "Failed",
        "error": "" if run == TRAINED else "AlgorithmError",
        "cause": "" if run == TRAINED else _CAUSE,
        "attempt_count": 1,
        "attempts": [attempt],
        "steps": [],
        "billable_seconds": 1280,
        "cost_usd": 16.13,
        "saved_usd": 37.64,
        "price_source": "Pricing API, 2026-11-28",
        "spot_saving_percent": 70.0,
        "worst_case_usd": 314.88,
        "metrics": {"loss": 3.04417, "step": 2000.0, "total_steps": 2000.0, "tokens_per_second": 81134.2},
        "model": f"s3://{bucket}/runs/{run}/{name}/output/model.tar.gz",
        "model_package_arn": None,
        "location": f"s3://{bucket}/runs/{run}/receipt.json",
        "image": {"digest": "sha256:" + run[-4:] * 16},
        "git_commit": "9f" * 20,
        "git_dirty": run == FAILED,
        "source_sha256": run[-4:] * 16,
        "settings": {
            "entry": "train.py",
            "arguments": ["config/gpt.py", "--compile"],
            "hyperparameters": {"learning_rate": float(_RATES[run]), "batch_size": 8},
            "image": f"123456789012.dkr.ecr.us-east-1.amazonaws.com/shardyard-dev/pytorch:{run[-4:] * 4}",
        },
        "notes": ["The data of channel train is 1.2 TB: FastFile would start sooner than File."],
        "links": {
            "logs": [log],
            "dashboard": f"{home}/cloudwatch/home?region=us-east-1#dashboards/dashboard/shardyard-dev",
            "execution": f"{home}/states/home?region=us-east-1#/v2/executions/details/{_MACHINE}:{run}",
        },
    }


def events(run: str) -> list[dict[str, Any]]:
    """What the nodes have printed."""
    begun = _STARTED[run] + timedelta(seconds=60)
    report = "[rank 0] metric step={} total_steps=2000 loss={:.4f} tokens_per_second=81134.2 mfu=0.3712"
    texts = [
        (1, "[rank 0] NCCL version 2.27.5+cuda12.9"),
        (2, "[rank 4] loading the shard data/train-00001.bin"),
        *((1, report.format(step, 4 - step / 2000)) for step in range(100, 800, 100)),
        (
            2,
            "[rank 5] UserWarning: the loader's pinned memory is not used where no accelerator is found, set pin",
        ),
    ]
    name = names.training_job_name("gpt-fsdp", run, 1)
    return [
        {
            "eventId": str(number),
            "timestamp": int((begun + timedelta(seconds=number)).timestamp() * 1000),
            "logStreamName": f"{name}/algo-{node}-1",
            "message": text,
        }
        for number, (node, text) in enumerate(texts)
    ]


class Account:
    """Answers the calls of the commands that show runs of gpt-fsdp; every other job is not deployed."""

    def __init__(self) -> None:
        self.objects = {names.receipt_key(run): json.dumps(receipt(run)).encode() for run in (TRAINED, FAILED)}
        self.objects[names.about_key(TRAINED)] = json.dumps(ABOUT).encode()

    def client(self, _: str) -> "Account":
        return self

    class meta:
        region_name = "us-east-1"

    def get_caller_identity(self) -> dict[str, Any]:
        return {"Account": "123456789012"}

    def describe_stacks(self, StackName: str) -> dict[str, Any]:
        bucket = "shardyard-dev-storage-artifacts"
        return {"Stacks": [{"Outputs": [{"OutputKey": "ArtifactBucketName", "OutputValue": bucket}]}]}

    def describe_execution(self, executionArn: str) -> dict[str, Any]:
        run = executionArn.rpartition(":")[2]
        told = {} if run != FAILED else {"error": "AlgorithmError", "cause": _CAUSE}
        return {**_execution(run), **told, "input": json.dumps({"run_id": run})}

    def describe_training_job(self, TrainingJobName: str) -> dict[str, Any]:
        return training_job(next(run for run in _STATUS if run in TrainingJobName))

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": ""}}, "GetObject")
        return {"Body": io.BytesIO(self.objects[Key]), "ETag": "1"}

    def get_paginator(self, operation: str) -> "Pages":
        return Pages(operation)


class Pages:
    """One page of an operation."""

    def __init__(self, operation: str) -> None:
        self.operation = operation

    def paginate(self, **wanted: Any) -> Iterator[dict[str, Any]]:
        if self.operation == "list_executions":
            if not wanted["stateMachineArn"].endswith("shardyard-dev-gpt-fsdp"):
                raise ClientError({"Error": {"Code": "StateMachineDoesNotExist", "Message": ""}}, "ListExecutions")
            yield {"executions": [_execution(run) for run in _STATUS]}
        elif self.operation == "list_training_jobs":
            yield {"TrainingJobSummaries": [training_job(wanted["NameContains"])]}
        elif self.operation == "list_processing_jobs":
            yield {"ProcessingJobSummaries": []}
        elif self.operation == "list_transform_jobs":
            yield {"TransformJobSummaries": []}
        elif self.operation == "list_auto_ml_jobs":
            yield {"AutoMLJobSummaries": []}
        elif self.operation == "list_hyper_parameter_tuning_jobs":
            yield {"HyperParameterTuningJobSummaries": []}
        elif self.operation == "search":
            yield {"Results": []}
        else:
            yield {"events": [one for run in _STATUS if run in wanted["logStreamNamePrefix"] for one in events(run)]}


def _execution(run: str) -> dict[str, Any]:
    found = {"name": run, "executionArn": f"{_MACHINE}:{run}", "status": _STATUS[run], "startDate": _STARTED[run]}
    return found if run == TRAINING else {**found, "stopDate": _STARTED[run] + timedelta(hours=1, minutes=13)}
