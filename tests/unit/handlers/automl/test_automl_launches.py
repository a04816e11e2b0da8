"""Whole launches of AutoML jobs: our machine, our handlers, fakes of the services."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from shardyard.handlers.launch.classify.index import classify
from shardyard.handlers.launch.janitor.index import clean_up
from shardyard.handlers.launch.preflight import quotas
from shardyard.handlers.launch.preflight.index import preflight
from shardyard.handlers.launch.receipt.index import write_receipt
from shardyard.handlers.launch.submit.index import look, submit
from shardyard.jobs.state_machine import AUTOML_TASK, definition
from shardyard.spec import names
from shardyard.spec.catalogue.service_jobs import AUTOML
from shardyard.spec.jobs.automl.automl import AutoMLSpec
from shardyard.spec.requests.automl import to_request
from tests.support.asl import Run, TaskError
from tests.support.automl.automl_rule_cases import BASE
from tests.support.automl.fake_automl import AUTOML_JOBS
from tests.support.fakes.fake_aws import STARTED, FakeAws
from tests.support.launches import DEPLOYMENT, EXECUTION, receipt_of
from tests.support.spec.spec_tables import over

RUN = "20261121-073000-ab12"
NAME = f"tiny-{RUN}-1"
RUNTIME = 7200


def make(**tables: Any) -> AutoMLSpec:
    return AutoMLSpec.from_dict(over(over(BASE, {"name": "tiny", "limits": {"max_runtime": "2h"}}), tables))


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    monkeypatch.setattr(quotas, "_codes", {})  # kept for a function's life, and other tests keep theirs
    AUTOML_JOBS.clear()
    fake = FakeAws()
    fake.objects["artifacts"][names.QUOTA_CODES_KEY] = b"{}"
    fake.objects["data"] = {"tables/customers/0.csv": b""}
    fake.prices = {"ml.m5.4xlarge": 1.2}
    return fake


def run(spec: AutoMLSpec, aws: FakeAws, given: Any = None) -> tuple[Run, list[Any]]:
    """Run the machine; returns the execution and the messages."""
    messages: list[Mapping[str, Any]] = []
    now = [STARTED.timestamp()]

    def called_submit(asked: Mapping[str, Any]) -> Any:
        assert asked["kind"] == "automl"
        if "request" in asked:
            try:
                return submit(asked["request"], aws, AUTOML)
            except ClientError as error:
                raise TaskError("ClientError", json.dumps({"errorMessage": str(error)})) from error
        now[0] += 600
        longest = asked["max_runtime_seconds"]
        return look(asked["name"], asked["give_up_seconds"], aws, now[0], AUTOML, longest_seconds=longest)

    def classify_later(state: Mapping[str, Any]) -> Any:
        answer = classify(state, aws, now[0])
        now[0] += answer["next"]["wait_seconds"]
        return answer

    launch = {
        "definition": spec.to_dict(),
        "deployment": DEPLOYMENT.to_dict(),
        "parameters": {},
        "fields": sorted(to_request(spec, DEPLOYMENT, job_name="n", run_id="r")),
        "project_cap_usd": 500.0,
        "dashboard": "shardyard-dev-jobs",
    }
    text = definition(
        job=spec.name,
        task=AUTOML_TASK,
        request_fields=launch["fields"],
        launch=launch,
        second_path=True,
        register=False,
    )
    tasks = {
        "${Preflight}": lambda asked: preflight(asked, aws, STARTED),
        "${Classify}": classify_later,
        "${Receipt}": lambda state: write_receipt(state, aws, now[0]),
        "${Submit}": called_submit,
        "sns:publish": messages.append,
    }
    execution = {"Input": {} if given is None else given, "Id": EXECUTION, "StartTime": "2026-11-21T07:30:00.123Z"}
    return Run(text, tasks, execution), messages


def test_a_launch_ends_with_the_best_candidate_and_what_its_own_jobs_cost(aws: FakeAws) -> None:
    ended, messages = run(make(), aws)
    assert ended.status == "SUCCEEDED", messages
    assert [state for state in ended.visited if state in ("Submit", "Watch", "Look")] == ["Submit", "Watch", "Look"]
    receipt = receipt_of(aws)
    assert receipt["kind"] == "automl" and receipt["outcome"] == "Completed"
    assert receipt["metrics"] == {"F1": 0.9}
    assert receipt["model"] == f"s3://artifacts/runs/r/customers/{NAME}/model.tar.gz"
    assert receipt["automl"]["best"] == f"{NAME}-best"
    assert receipt["automl"]["candidates"] == [
        {"name": f"{NAME}-best", "status": "Completed", "value": 0.9},
        {"name": "other", "status": "Failed", "value": None},
    ]
    assert receipt["automl_seconds"] == 1800
    assert receipt["billable_seconds"] == 600
    assert receipt["cost_usd"] == pytest.approx(0.2, abs=0.001), "600 s of the training job, not of the AutoML job"
    assert receipt["worst_case_usd"] > 10 * 1.2, "ten candidates of an hour"
    assert receipt["outputs"] == {"automl": f"s3://artifacts/runs/{RUN}/tiny/automl/"}
    (message,) = messages
    assert message["Subject"] == f"tiny was learnt ({RUN})"
    assert "Candidates: 1 of 2 completed; the best is" in message["Message"]


def test_what_stands_in_for_the_service_says_so_in_the_message(aws: FakeAws) -> None:
    said = [{"PartialFailureMessage": "A stand-in."}]
    aws.outcomes = [{"AutoMLJobStatus": "Completed", "PartialFailureReasons": said}]
    _, messages = run(make(), aws)
    assert "A stand-in." in messages[0]["Message"]


def test_a_worst_case_above_the_cap_is_refused_before_anything_is_made(aws: FakeAws) -> None:
    ended, messages = run(make(cost={"cap_usd": 1}), aws)
    assert ended.status == "FAILED" and AUTOML_JOBS == {}
    assert "the job's cap (cost.cap_usd) is 1.00 USD" in messages[0]["Message"]


def test_data_that_are_not_there_are_refused(aws: FakeAws) -> None:
    aws.objects["data"] = {}
    ended, messages = run(make(), aws)
    assert ended.status == "FAILED" and AUTOML_JOBS == {}
    assert "there are no objects under s3://data/tables/customers/" in messages[0]["Message"]


def test_a_run_id_that_leaves_no_room_for_a_name_is_refused(aws: FakeAws) -> None:
    ended, messages = run(make(), aws, {"run_id": "a" * 28})
    assert ended.status == "FAILED" and AUTOML_JOBS == {}
    assert f"{'a' * 28!r} is too long: AutoML jobs have short names (27 letters or fewer)" in messages[0]["Message"]


def test_a_failed_job_is_not_tried_again_because_its_candidates_have_billed(aws: FakeAws) -> None:
    reason = "CapacityError: Unable to provision requested ML compute capacity."
    aws.outcomes = [{"AutoMLJobStatus": "Failed", "FailureReason": reason, "BestCandidate": {}}]
    ended, messages = run(make(), aws)
    assert ended.status == "FAILED" and list(AUTOML_JOBS) == [NAME]
    assert ended.error == "RejectedByService"
    assert receipt_of(aws)["model"] is None and reason in messages[0]["Message"]


def test_a_creation_without_quota_waits_and_tries_again(aws: FakeAws) -> None:
    aws.outcomes = [{"error": "ResourceLimitExceeded", "message": "The account-level service limit"}]
    ended, _ = run(make(), aws)
    assert ended.status == "SUCCEEDED"
    assert list(AUTOML_JOBS) == [f"tiny-{RUN}-2"]


def test_a_job_that_outlives_its_limit_is_stopped_and_out_of_time(aws: FakeAws) -> None:
    ends = STARTED.fromtimestamp(STARTED.timestamp() + RUNTIME + AUTOML.grace_seconds + 60, tz=STARTED.tzinfo)
    aws.outcomes = [{"AutoMLJobStatus": "InProgress", "EndTime": ends, "BestCandidate": {}}]
    ended, messages = run(make(), aws)
    assert aws.calls.count("sagemaker.stop_auto_ml_job") == 1
    # The service has its own limit to the second; the launch comes after it, and looks every ten minutes here
    assert ended.visited.count("Look") >= (RUNTIME + AUTOML.grace_seconds) // 600
    assert ended.error == "OutOfTime", messages


def test_a_cut_off_launch_stops_its_automl_job(aws: FakeAws) -> None:
    run(make(), aws)
    AUTOML_JOBS[NAME]["AutoMLJobStatus"] = "InProgress"
    aws.jobs[NAME] = {"Tags": AUTOML_JOBS[NAME]["Tags"]}
    detail = {"executionArn": EXECUTION, "startDate": STARTED.timestamp() * 1000, "input": json.dumps({"run_id": RUN})}
    assert clean_up(detail, aws, (AUTOML,)) == [NAME]
    assert AUTOML_JOBS[NAME]["AutoMLJobStatus"] == "Stopped"
