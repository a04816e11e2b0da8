"""Whole launches of processing jobs: our machine, our handlers, fakes of the services."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from shardyard.handlers.launch.classify.index import classify
from shardyard.handlers.launch.janitor.index import clean_up
from shardyard.handlers.launch.preflight import quotas
from shardyard.handlers.launch.preflight.index import preflight
from shardyard.handlers.launch.receipt.index import write_receipt
from shardyard.handlers.launch.submit.index import look, submit
from shardyard.jobs.state_machine import PROCESS, definition
from shardyard.spec import names
from shardyard.spec.catalogue.service_jobs import PROCESSING, TRAINING
from shardyard.spec.jobs.processing.processing import ProcessingSpec
from shardyard.spec.requests.processing import to_request
from shardyard.spec.requests.sfn_fields import unknown_to_step_functions
from tests.support.asl import Run, TaskError
from tests.support.fakes.fake_aws import STARTED, FakeAws
from tests.support.fakes.fake_processing import CODES
from tests.support.launches import DEPLOYMENT, EXECUTION, receipt_of
from tests.support.spec.processing_rule_cases import BASE
from tests.support.spec.spec_tables import over

FAILED = {
    "ProcessingJobStatus": "Failed",
    "FailureReason": "AlgorithmError: , exit code: 1",
    "ExitMessage": "no labels",
}
RUN = "20261121-073000-ab12"


def make(**tables: Any) -> ProcessingSpec:
    raw = {"name": "tiny", "inputs": {"raw": {"s3": "digits/raw/"}}, "outputs": {"shards": {"s3": "digits/shards/"}}}
    return ProcessingSpec.from_dict(over(over(BASE, raw), tables))


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    monkeypatch.setattr(quotas, "_codes", {})  # kept for a function's life, and other tests keep theirs
    fake = FakeAws()
    fake.objects["artifacts"][names.QUOTA_CODES_KEY] = json.dumps(CODES).encode()
    fake.objects["data"] = {"digits/raw/0.png": b"", "digits/raw/1.png": b""}
    fake.quotas["L-P-SECONDS"] = 432_000
    fake.prices = {"ml.m5.large": 0.6, "ml.m5.xlarge": 1.2}
    return fake


def event(spec: ProcessingSpec, given: Any = None) -> dict[str, Any]:
    return {
        "definition": spec.to_dict(),
        "deployment": DEPLOYMENT.to_dict(),
        "parameters": {},
        "fields": sorted(to_request(spec, DEPLOYMENT, job_name="n", run_id="r")),
        "project_cap_usd": 500.0,
        "dashboard": "shardyard-dev-jobs",
        "folder": "pytorch",
        "input": {} if given is None else given,
        "execution": EXECUTION,
        "started": "2026-11-21T07:30:00.123Z",
    }


def run(spec: ProcessingSpec, aws: FakeAws, given: Any = None) -> tuple[Run, list[Mapping[str, Any]]]:
    """Run the machine; returns the execution and the messages."""
    messages: list[Mapping[str, Any]] = []
    now = [STARTED.timestamp()]

    def process(parameters: Mapping[str, Any]) -> Any:
        try:
            aws("sagemaker").create_processing_job(**parameters)
        except Exception as error:
            raise TaskError("SageMaker.AmazonSageMakerException", str(error)) from error
        described = json.loads(json.dumps(aws.processing[parameters["ProcessingJobName"]], default=str))
        if described["ProcessingJobStatus"] == "Failed":
            raise TaskError("States.TaskFailed", json.dumps(described))
        return described

    def called_submit(asked: Mapping[str, Any]) -> Any:
        assert asked["kind"] == "processing"
        if "request" in asked:
            return submit(asked["request"], aws, PROCESSING)
        return look(asked["name"], asked["give_up_seconds"], aws, now[0], PROCESSING)

    def classify_later(state: Mapping[str, Any]) -> Any:
        answer = classify(state, aws, now[0])
        now[0] += answer["next"]["wait_seconds"]
        return answer

    told = event(spec)
    second = bool(
        unknown_to_step_functions(to_request(spec, DEPLOYMENT, job_name="n", run_id="r"), "createProcessingJob")
    )
    text = definition(
        job=spec.name,
        task=PROCESS,
        request_fields=told["fields"],
        launch={key: told[key] for key in told if key not in ("input", "execution", "started")},
        second_path=second,
        register=False,
    )
    tasks = {
        "${Preflight}": lambda asked: preflight(asked, aws, STARTED),
        "${Classify}": classify_later,
        "${Receipt}": lambda state: write_receipt(state, aws, now[0]),
        "${Submit}": called_submit,
        "sagemaker:createProcessingJob.sync": process,
        "sns:publish": messages.append,
    }
    execution = {"Input": {} if given is None else given, "Id": EXECUTION, "StartTime": told["started"]}
    return Run(text, tasks, execution), messages


def test_a_job_that_completes_has_a_receipt_with_its_outputs_and_its_own_words(aws: FakeAws) -> None:
    aws.outcomes = [{"ProcessingJobStatus": "Completed", "ExitMessage": "2 images in 1 shard"}]
    ended, messages = run(make(), aws)
    assert ended.status == "SUCCEEDED"
    receipt = receipt_of(aws)
    assert receipt["kind"] == "processing" and receipt["outcome"] == "Completed"
    assert receipt["outputs"] == {"shards": "s3://data/digits/shards/"}
    assert receipt["attempts"][0]["exit_message"] == "2 images in 1 shard"
    assert receipt["processing_seconds"] == receipt["billable_seconds"] == 600
    assert receipt["cost_usd"] == pytest.approx(0.1, abs=0.002)  # and the volume
    assert receipt["data"][0]["count"] == 2
    assert receipt["settings"]["instances"] == "1 x ml.m5.large"
    (message,) = messages
    assert message["Subject"] == f"tiny was processed ({RUN})"
    assert (
        "2 images in 1 shard" in message["Message"] and "Output shards: s3://data/digits/shards/" in message["Message"]
    )
    assert receipt["links"]["logs"][0].endswith("/") and "ProcessingJobs" in receipt["links"]["logs"][0]


def test_a_program_that_fails_is_told_with_its_exit_message(aws: FakeAws) -> None:
    aws.outcomes = [FAILED]
    ended, messages = run(make(), aws)
    assert ended.status == "FAILED"
    receipt = receipt_of(aws)
    assert receipt["error"] == "ProgramFailed"
    assert receipt["cause"] == "AlgorithmError: , exit code: 1 no labels"
    assert "no labels" in messages[0]["Message"]


def test_a_job_that_ran_as_long_as_it_may_is_out_of_time_and_one_that_was_stopped_is_not(aws: FakeAws) -> None:
    stopped = {"ProcessingJobStatus": "Stopped"}
    aws.outcomes = [{**stopped, "ProcessingEndTime": STARTED + timedelta(hours=24)}]
    run(make(), aws)
    assert (receipt_of(aws)["error"], receipt_of(aws)["outcome"]) == ("OutOfTime", "Failed")
    aws.processing.clear()
    aws.outcomes = [stopped]
    run(make(), aws)
    assert (receipt_of(aws)["error"], receipt_of(aws)["outcome"]) == ("Stopped", "Stopped")


def test_without_capacity_the_next_type_is_tried(aws: FakeAws) -> None:
    aws.outcomes = [{"ProcessingJobStatus": "Failed", "FailureReason": "CapacityError: Unable to provision"}]
    spec = make(compute={"fallback": [{"instance_type": "ml.m5.xlarge", "environment": {"WORKERS": "4"}}]})
    ended, _ = run(spec, aws)
    assert ended.status == "SUCCEEDED"
    assert [one["instances"][0]["type"] for one in receipt_of(aws)["attempts"]] == ["ml.m5.large", "ml.m5.xlarge"]
    assert aws.processing[f"tiny-{RUN}-2"]["Environment"]["WORKERS"] == "4"


def test_fields_that_step_functions_lacks_take_the_second_path(aws: FakeAws) -> None:
    ended, _ = run(make(experiment={"run_name": "r"}), aws)
    assert ended.status == "SUCCEEDED"
    assert "sagemaker.create_processing_job" in aws.calls


@pytest.mark.parametrize(
    ("tables", "given", "says"),
    [
        ({"inputs": {"raw": {"s3": "digits/none/"}}}, {}, "inputs.raw: there are no objects under s3://data/digits/none/"),
        ({}, {"inputs": {"raw": "s3://data/other/"}}, "inputs.raw: s3://data/other/ is not below s3://data/digits/raw/"),
        ({"inputs": {"raw": {"named_at_launch": True}}}, {}, "inputs.raw: each launch names its address below s3://data/"),
        ({"compute": {"count": 3}}, {}, "inputs.raw.distribution: 2 objects for 3 instances"),
        ({"limits": {"max_runtime": "6d"}}, {}, "quotas: the quota 'Longest run time for a processing job' is 432000"),
        ({"cost": {"cap_usd": 1.0}}, {}, "cost: the worst case is 14."),
        ({"image": {"cpu_only": True}, "compute": {"instance_type": "ml.g5.xlarge"}}, {}, "image.cpu_only says that"),
        ({}, {"spot": True}, "spot: tiny is a processing job, which has no spot.enabled"),
    ],
)  # fmt: skip
def test_what_cannot_succeed_is_refused_before_it_bills(
    aws: FakeAws, tables: dict[str, Any], given: dict[str, Any], says: str
) -> None:
    sharded = {"inputs": {"raw": {"distribution": "ShardedByS3Key"}}} if "compute" in tables else {}
    ended, messages = run(make(**over(sharded, tables)), aws, given)
    assert ended.status == "FAILED" and not aws.processing
    assert says in messages[0]["Message"], messages[0]["Message"]


def test_code_that_was_not_uploaded_is_refused_with_the_kinds_own_command(aws: FakeAws) -> None:
    spec = make(source={"dir": "mine"}, program={"entry": "prepare.py"}).with_source("a" * 64)
    _, messages = run(spec, aws)
    assert "upload the code with: yard run" in messages[0]["Message"], messages[0]["Message"]


def test_an_input_may_be_named_at_launch(aws: FakeAws) -> None:
    aws.objects["data"]["digits/raw/today/0.png"] = b""
    spec = make(inputs={"raw": {"named_at_launch": True}})
    ended, _ = run(spec, aws, {"inputs": {"raw": "s3://data/digits/raw/today/"}})
    assert ended.status == "SUCCEEDED"
    (job,) = aws.processing.values()
    assert job["ProcessingInputs"][0]["S3Input"]["S3Uri"] == "s3://data/digits/raw/today/"
    assert receipt_of(aws)["values"]["inputs.raw"] == {"value": "s3://data/digits/raw/today/", "source": "input"}


def test_running_processing_jobs_count_against_the_quota(aws: FakeAws) -> None:
    cluster = {"InstanceType": "ml.m5.large", "InstanceCount": 1000, "VolumeSizeInGB": 30}
    aws.processing["other"] = {
        "ProcessingJobName": "other",
        "ProcessingJobStatus": "InProgress",
        "ProcessingResources": {"ClusterConfig": cluster},
    }
    ended, messages = run(make(queue={"max_wait": 0}), aws)
    assert ended.status == "FAILED"
    assert "1000 are in use and this launch needs 1: 1 too many now" in messages[0]["Message"]


def test_the_janitor_stops_what_an_aborted_execution_left(aws: FakeAws) -> None:
    name = f"tiny-{RUN}-1"
    aws.processing[name] = {
        "ProcessingJobName": name,
        "ProcessingJobArn": f"arn:aws:sagemaker:us-east-1:123456789012:processing-job/{name}",
        "ProcessingJobStatus": "InProgress",
    }
    aws.jobs[name] = {"TrainingJobStatus": "Completed", "Tags": [{"Key": "shardyard:execution", "Value": EXECUTION}]}
    detail = {"executionArn": EXECUTION, "startDate": STARTED.timestamp() * 1000, "status": "ABORTED"}
    assert clean_up(detail, aws, (TRAINING, PROCESSING)) == [name]
    assert aws.processing[name]["ProcessingJobStatus"] == "Stopping"
