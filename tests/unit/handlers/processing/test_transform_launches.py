"""Whole launches of transform jobs: our machine, our handlers, fakes of the services."""

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
from shardyard.jobs.state_machine import TRANSFORM_TASK, definition
from shardyard.spec import names
from shardyard.spec.catalogue.service_jobs import TRANSFORM
from shardyard.spec.jobs.transform.transform import TransformSpec
from shardyard.spec.requests.sfn_fields import unknown_to_step_functions
from shardyard.spec.requests.transform import model_request, to_request
from tests.support.asl import Run, TaskError
from tests.support.fakes.fake_aws import STARTED, FakeAws
from tests.support.fakes.fake_transforms import CODES, MODELS, TRANSFORMS
from tests.support.launches import DEPLOYMENT, EXECUTION, receipt_of
from tests.support.spec.spec_tables import over
from tests.support.spec.transform_rule_cases import BASE

RUN = "20261121-073000-ab12"
ARCHIVE = "s3://artifacts/runs/r/mnist-ddp-r-1/output/model.tar.gz"


def make(**tables: Any) -> TransformSpec:
    return TransformSpec.from_dict(over(over(BASE, {"name": "tiny", "limits": {"max_runtime": "30m"}}), tables))


def trained(job: str, run: str, *, archive: str = ARCHIVE) -> dict[str, Any]:
    """A training job that has completed."""
    return {
        "TrainingJobName": f"{job}-{run}-1",
        "TrainingJobStatus": "Completed",
        "SecondaryStatus": "Completed",
        "CreationTime": STARTED,
        "ModelArtifacts": {"S3ModelArtifacts": archive},
        "ResourceConfig": {},
    }


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    monkeypatch.setattr(quotas, "_codes", {})  # kept for a function's life, and other tests keep theirs
    TRANSFORMS.clear()
    MODELS.clear()
    fake = FakeAws()
    fake.objects["artifacts"][names.QUOTA_CODES_KEY] = json.dumps(CODES).encode()
    fake.objects["data"] = {"digits/rows/0.jsonl": b"", "digits/rows/1.jsonl": b""}
    fake.prices = {"ml.m5.large": 0.6, "ml.m5.xlarge": 1.2}
    old = trained("mnist-ddp", "20261120-073000-aaaa")
    fake.jobs = {job["TrainingJobName"]: job for job in (old, trained("mnist-ddp-wide", "20261121-073000-bbbb"))}
    return fake


def run(spec: TransformSpec, aws: FakeAws, given: Any = None, *, times_out: bool = False) -> tuple[Run, list[Any]]:
    """Run the machine; returns the execution and the messages."""
    messages: list[Mapping[str, Any]] = []
    now = [STARTED.timestamp()]

    def called(operation: str, parameters: Mapping[str, Any]) -> Any:
        try:
            return getattr(aws("sagemaker"), operation)(**parameters)
        except Exception as error:
            raise TaskError("SageMaker.AmazonSageMakerException", str(error)) from error

    def transform(parameters: Mapping[str, Any]) -> Any:
        called("create_transform_job", parameters)
        described = TRANSFORMS[parameters["TransformJobName"]]
        if times_out:
            raise TaskError("States.Timeout", "")
        described = json.loads(json.dumps(described, default=str))
        if described["TransformJobStatus"] == "Failed":
            raise TaskError("States.TaskFailed", json.dumps(described))
        return described

    def called_submit(asked: Mapping[str, Any]) -> Any:
        assert asked["kind"] == "transform"
        if "request" in asked:
            return submit(asked["request"], aws, TRANSFORM)
        longest = asked["max_runtime_seconds"]
        return look(asked["name"], asked["give_up_seconds"], aws, now[0], TRANSFORM, longest_seconds=longest)

    def classify_later(state: Mapping[str, Any]) -> Any:
        answer = classify(state, aws, now[0])
        now[0] += answer["next"]["wait_seconds"]
        return answer

    request = to_request(spec, DEPLOYMENT, job_name="n", run_id="r")
    fields = sorted(model_request(spec, DEPLOYMENT, run_id="r", data_url="u"))
    launch = {
        "definition": spec.to_dict(),
        "deployment": DEPLOYMENT.to_dict(),
        "parameters": {},
        "fields": sorted(request),
        "model_fields": fields,
        "project_cap_usd": 500.0,
        "dashboard": "shardyard-dev-jobs",
        "folder": "pytorch",
    }
    text = definition(
        job=spec.name,
        task=TRANSFORM_TASK,
        request_fields=launch["fields"],
        launch=launch,
        second_path=bool(unknown_to_step_functions(request, "createTransformJob")),
        register=False,
        model_fields=fields,
    )
    tasks = {
        "${Preflight}": lambda asked: preflight(asked, aws, STARTED),
        "${Classify}": classify_later,
        "${Receipt}": lambda state: write_receipt(state, aws, now[0]),
        "${Submit}": called_submit,
        "sagemaker:createModel": lambda asked: called("create_model", asked),
        "sagemaker:createTransformJob.sync": transform,
        "aws-sdk:sagemaker:deleteModel": lambda asked: called("delete_model", asked),
        "sns:publish": messages.append,
    }
    execution = {"Input": {} if given is None else given, "Id": EXECUTION, "StartTime": "2026-11-21T07:30:00.123Z"}
    return Run(text, tasks, execution), messages


def test_a_launch_makes_its_model_of_the_newest_run_and_deletes_it(aws: FakeAws) -> None:
    ended, messages = run(make(), aws)
    assert ended.status == "SUCCEEDED", messages
    assert ended.visited.index("Model") < ended.visited.index("Transform") < ended.visited.index("Forget")
    assert MODELS == {}, "the model is gone"
    assert aws.calls.count("sagemaker.create_model") == aws.calls.count("sagemaker.delete_model") == 1
    receipt = receipt_of(aws)
    assert receipt["kind"] == "transform" and receipt["outcome"] == "Completed"
    assert receipt["outputs"] == {"transform": f"s3://artifacts/runs/{RUN}/tiny/transform/"}
    assert receipt["transform_seconds"] == receipt["billable_seconds"] == 600
    assert receipt["cost_usd"] == pytest.approx(0.1, abs=0.0001), "there is no volume"
    assert receipt["settings"]["model"] == f"tiny-{RUN}"
    (message,) = messages
    assert message["Subject"] == f"tiny was transformed ({RUN})"


@pytest.mark.parametrize(
    ("tables", "archive"),
    [
        ({"model": {"run": "mnist-ddp-wide:20261121-073000-bbbb"}}, "s3://artifacts/wide/model.tar.gz"),
        ({"model": {"run": None, "s3": "models/m.tar.gz"}}, "s3://artifacts/models/m.tar.gz"),
    ],
)
def test_a_model_is_of_the_run_or_the_archive_that_is_named(
    aws: FakeAws, tables: dict[str, Any], archive: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = "mnist-ddp-wide-20261121-073000-bbbb-1"
    aws.jobs[wide]["ModelArtifacts"] = {"S3ModelArtifacts": "s3://artifacts/wide/model.tar.gz"}
    aws.objects["artifacts"]["models/m.tar.gz"] = b"archive"
    used: list[str] = []
    monkeypatch.setitem(MODELS, "watched", {})
    monkeypatch.setattr(
        "shardyard.handlers.launch.preflight.index.model_request",
        lambda spec, deployment, *, run_id, data_url: (
            used.append(data_url) or model_request(spec, deployment, run_id=run_id, data_url=data_url)
        ),
    )
    ended, messages = run(make(**tables), aws)
    assert ended.status == "SUCCEEDED", messages
    assert used == [archive]


def test_without_capacity_the_next_type_is_tried_with_the_same_model(aws: FakeAws) -> None:
    aws.outcomes = [{"TransformJobStatus": "Failed", "FailureReason": "CapacityError: Unable to provision"}]
    ended, _ = run(make(compute={"fallback": [{"instance_type": "ml.m5.xlarge"}]}), aws)
    assert ended.status == "SUCCEEDED"
    assert [one["instances"][0]["type"] for one in receipt_of(aws)["attempts"]] == ["ml.m5.large", "ml.m5.xlarge"]
    assert {job["ModelName"] for job in TRANSFORMS.values()} == {f"tiny-{RUN}"}
    assert aws.calls.count("sagemaker.create_model") == 1


def test_a_job_that_takes_too_long_is_stopped_and_out_of_time(aws: FakeAws) -> None:
    aws.outcomes = [{"TransformJobStatus": "InProgress", "TransformEndTime": None}]
    ended, messages = run(make(), aws, times_out=True)
    assert ended.status == "FAILED" and ended.error == "OutOfTime"
    assert TRANSFORMS[f"tiny-{RUN}-1"]["TransformJobStatus"] == "Stopping"
    assert "reached its longest run time" in messages[0]["Message"]
    assert MODELS == {}


def test_on_the_second_path_the_look_stops_it(aws: FakeAws) -> None:
    spec = make(experiment={"name": "digits"})
    ended, _ = run(spec, aws)
    assert ended.status == "SUCCEEDED" and "Submit" in ended.visited
    job = TRANSFORMS[f"tiny-{RUN}-1"]
    job["TransformJobStatus"] = "InProgress"
    name, begun = f"tiny-{RUN}-1", job["CreationTime"].timestamp()
    assert look(name, None, aws, begun + 60, TRANSFORM, longest_seconds=100)["TransformJobStatus"] == "InProgress"
    assert job["TransformJobStatus"] == "InProgress"
    look(name, None, aws, begun + 100, TRANSFORM, longest_seconds=100)
    assert job["TransformJobStatus"] == "Stopping"


def test_one_that_was_stopped_is_out_of_time_only_if_its_time_was_over(aws: FakeAws) -> None:
    stopped = {"TransformJobStatus": "Stopped"}
    aws.outcomes = [{**stopped, "TransformEndTime": STARTED + timedelta(minutes=30)}]
    run(make(), aws)
    assert receipt_of(aws)["error"] == "OutOfTime"
    TRANSFORMS.clear()
    aws.outcomes = [stopped]
    run(make(), aws)
    assert receipt_of(aws)["error"] == "Stopped"


def test_a_model_that_cannot_be_made_ends_the_launch_with_the_services_words(aws: FakeAws) -> None:
    MODELS[f"tiny-{RUN}"] = {"ModelArn": "a"}
    ended, messages = run(make(), aws)
    assert ended.status == "FAILED" and not TRANSFORMS
    assert "Cannot create already existing model" in messages[0]["Message"]


@pytest.mark.parametrize(
    ("tables", "given", "says"),
    [
        ({"inputs": {"rows": {"s3": "none/"}}}, {}, "inputs.rows: there are no objects under s3://data/none/"),
        ({}, {"inputs": {"rows": "s3://data/other/"}}, "inputs.rows: s3://data/other/ is not below s3://data/digits/"),
        ({"compute": {"count": 3}}, {}, "inputs.rows: 2 objects for 3 instances"),
        ({"model": {"run": "gpt-ddp:latest"}}, {}, "model.run: no run of it has completed (gpt-ddp); train it: yard"),
        ({"model": {"run": "mnist-ddp:20261101-000000-cccc"}}, {}, "no attempt of its run 20261101-000000-cccc has"),
        (
            {"model": {"run": None, "s3": "m.tar.gz"}},
            {},
            "model.s3: there is no s3://artifacts/m.tar.gz, or it may not",
        ),
        ({"cost": {"cap_usd": 0.1}}, {}, "cost: the worst case is 0.30 USD"),
        ({}, {"spot": True}, "spot: tiny is a transform job, which has no spot.enabled"),
    ],
)
def test_what_cannot_succeed_is_refused_before_it_bills(
    aws: FakeAws, tables: dict[str, Any], given: dict[str, Any], says: str
) -> None:
    ended, messages = run(make(**tables), aws, given)
    assert ended.status == "FAILED" and not TRANSFORMS and not MODELS
    assert says in messages[0]["Message"], messages[0]["Message"]
    assert "Forget" not in ended.visited


def test_a_model_that_is_no_archive_is_refused(aws: FakeAws) -> None:
    aws.jobs = {"mnist-ddp-r-1": trained("mnist-ddp", "r", archive="s3://artifacts/runs/r/model/")}
    _, messages = run(make(), aws)
    assert "mnist-ddp-r-1 left its model uncompressed" in messages[0]["Message"]


def test_the_janitor_stops_the_job_and_forgets_the_model(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    run(make(), aws)
    job = TRANSFORMS[f"tiny-{RUN}-1"]
    job["TransformJobStatus"] = "InProgress"
    MODELS[f"tiny-{RUN}"] = {"ModelName": f"tiny-{RUN}", "ModelArn": "arn:model", "Tags": []}
    MODELS[f"other-{RUN}"] = {"ModelName": f"other-{RUN}", "ModelArn": "arn:other", "Tags": []}
    tags = {"arn:model": [{"Key": "run", "Value": RUN}], job["TransformJobArn"]: job["Tags"]}
    monkeypatch.setattr(
        "tests.support.fakes.fake_aws.sagemaker_list_tags",
        lambda aws, *, ResourceArn: {"Tags": tags.get(ResourceArn, [])},
    )
    detail = {"executionArn": EXECUTION, "startDate": STARTED.timestamp() * 1000, "status": "ABORTED"}
    assert clean_up(detail, aws, [TRANSFORM]) == [f"tiny-{RUN}-1"]
    assert set(MODELS) == {f"other-{RUN}"}
