"""Whole launches: our machine, our handlers, fakes of the services."""

import json
from collections.abc import Mapping
from typing import Any

from shardyard.handlers.launch.classify.index import classify
from shardyard.handlers.launch.preflight.index import preflight
from shardyard.handlers.launch.receipt.index import write_receipt
from shardyard.handlers.launch.register.index import register
from shardyard.handlers.launch.submit.index import look, submit
from shardyard.jobs.state_machine import definition
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.requests.deployment import Deployment
from shardyard.spec.requests.sfn_fields import unknown_to_step_functions
from shardyard.spec.requests.training import to_request
from tests.support.asl import Run, TaskError
from tests.support.fakes.fake_aws import STARTED, FakeAws
from tests.support.spec.spec_tables import parse

EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:shardyard-dev-tiny:20261121-073000-ab12"
ALWAYS = {"EnableManagedSpotTraining": False, "Environment": {}, "HyperParameters": {}}
DEPLOYMENT = Deployment(
    project="shardyard",
    stage="dev",
    data_bucket="data",
    artifact_bucket="artifacts",
    role_arn="arn:aws:iam::123456789012:role/r",
    image_uri="123456789012.dkr.ecr.us-east-1.amazonaws.com/shardyard-dev/pytorch:abc",
    subnets=("subnet-1",),
    security_group_ids=("sg-1",),
)


def tiny(**tables: Any) -> JobSpec:
    """A small job on two instances; tables are laid over it."""
    raw = {
        "image": {"folder": "pytorch"},
        "program": {"entry": "training.pytorch.programs.mnist"},
        "compute": {"instance_type": "ml.g5.xlarge", "count": 2},
        "limits": {"max_runtime": "1h"},
        "queue": {"max_wait": "10m"},
        "checkpoints": {"enabled": True},
    }
    return parse({**raw, **tables}, "tiny")


def launch_fields(spec: JobSpec) -> list[str]:
    return sorted({**ALWAYS, **to_request(spec, DEPLOYMENT, job_name="n", run_id="r")})


def preflight_event(spec: JobSpec, given: Any = None, parameters: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What the machine hands to Preflight."""
    return {
        "definition": spec.to_dict(),
        "deployment": DEPLOYMENT.to_dict(),
        "parameters": dict(parameters or {}),
        "fields": launch_fields(spec),
        "project_cap_usd": 500.0,
        "dashboard": "shardyard-dev-jobs",
        "folder": "pytorch",
        "input": {} if given is None else given,
        "execution": EXECUTION,
        "started": "2026-11-21T07:30:00.123Z",
    }


def run(
    spec: JobSpec, aws: FakeAws, given: Any = None, *, clock: list[float] | None = None, publish: Any = None
) -> tuple[Run, list[Mapping[str, Any]]]:
    """Run a job's machine; returns the execution and the messages that were sent.

    On the second path each look is five minutes after the one before.
    """
    messages: list[Mapping[str, Any]] = []
    now = [STARTED.timestamp()] if clock is None else clock

    def train(parameters: Mapping[str, Any]) -> Any:
        name = parameters["TrainingJobName"]
        try:
            aws("sagemaker").create_training_job(**parameters)
        except Exception as error:
            raise TaskError("SageMaker.AmazonSageMakerException", str(error)) from error
        described = json.loads(json.dumps(aws.jobs[name], default=str))
        if described["TrainingJobStatus"] == "Failed":
            raise TaskError("States.TaskFailed", json.dumps(described))
        return described

    def called_submit(event: Mapping[str, Any]) -> Any:
        if "name" in event:
            now[0] += 300
            aws.pass_to(now[0])
            return look(event["name"], event["give_up_seconds"], aws, now[0])
        try:
            return submit(event["request"], aws)
        except Exception as error:
            raise TaskError(type(error).__name__, json.dumps({"errorMessage": str(error), "errorType": "E"})) from error

    def classify_later(event: Mapping[str, Any]) -> Any:
        answer = classify(event, aws, now[0])
        now[0] += answer["next"]["wait_seconds"]
        return answer

    tasks = {
        "${Preflight}": lambda event: preflight(event, aws, STARTED),
        "${Classify}": classify_later,
        "${Receipt}": lambda event: write_receipt(event, aws, now[0]),
        "${Register}": lambda event: register(event["launch"], aws),
        "${Submit}": called_submit,
        "sagemaker:createTrainingJob.sync": train,
        "sns:publish": messages.append if publish is None else publish,
    }
    event = preflight_event(spec)
    text = definition(
        job=spec.name,
        request_fields=launch_fields(spec),
        launch={key: event[key] for key in event if key not in ("input", "execution", "started")},
        second_path=spec.spot.give_up_seconds is not None
        or bool(unknown_to_step_functions(to_request(spec, DEPLOYMENT, job_name="n", run_id="r"))),
        register=spec.registry.enabled,
    )
    execution = {"Input": {} if given is None else given, "Id": EXECUTION, "StartTime": event["started"]}
    return Run(text, tasks, execution), messages


def receipt_of(aws: FakeAws, run_id: str = "20261121-073000-ab12") -> Any:
    """The receipt as it was stored."""
    return json.loads(aws.objects["artifacts"][f"runs/{run_id}/receipt.json"])
