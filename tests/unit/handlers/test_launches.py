"""Whole launches through the state machine: what each way of going wrong leads to."""

import json
from datetime import timedelta
from typing import Any

import pytest

from shardyard.handlers.launch.classify.index import classify
from shardyard.handlers.launch.preflight.index import preflight
from shardyard.spec.jobs.job import JobSpec
from tests.support.asl import TaskError
from tests.support.fakes.fake_aws import STARTED, FakeAws, transitions
from tests.support.launches import preflight_event, receipt_of, run, tiny

CAPACITY = {
    "TrainingJobStatus": "Failed",
    "FailureReason": "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different "
    "ML instance type.",
    "TrainingTimeInSeconds": 0,
    "BillableTimeInSeconds": 0,
}
LIMIT = {"error": "ResourceLimitExceeded", "message": "The account-level service limit is 2 Instances"}
INTERNAL = {"TrainingJobStatus": "Failed", "FailureReason": "InternalServerError: We encountered an internal error."}
WAITING = {
    "TrainingJobStatus": "InProgress",
    "SecondaryStatus": "Starting",
    "TrainingStartTime": None,
    "TrainingTimeInSeconds": 0,
    "BillableTimeInSeconds": 0,
}
NEVER_LAUNCHED = {**WAITING, "TrainingJobStatus": "Stopped", "SecondaryStatus": "MaxWaitTimeExceeded"}
INTERRUPTED = {
    "TrainingJobStatus": "Failed",
    "FailureReason": "AlgorithmError: interrupted after a save, exit code: 75",
}


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


def test_a_launch_that_goes_well(aws: FakeAws) -> None:
    done, messages = run(tiny(), aws)
    assert done.status == "SUCCEEDED"
    assert done.visited == ["Preflight", "Accepted?", "Train", "Trained?", "Receipt", "Notify", "Outcome?", "Succeeded"]
    receipt = receipt_of(aws)
    name = "tiny-20261121-073000-ab12-1"
    assert receipt["outcome"] == "Completed"
    assert receipt["model"] == f"s3://artifacts/runs/20261121-073000-ab12/{name}/output/model.tar.gz"
    assert receipt["metrics"] == {"loss": 0.25}
    assert receipt["image"]["digest"] == "sha256:" + "1" * 64
    assert receipt["values"]["instance_count"] == {"value": 2, "source": "toml"}
    assert receipt["billable_seconds"] == 600 and receipt["cost_usd"] > 0
    assert messages[0]["Subject"] == "tiny trained (20261121-073000-ab12)"
    assert receipt["model"] in messages[0]["Message"]


def test_a_programs_own_failure_is_not_tried_again(aws: FakeAws) -> None:
    reason = "AlgorithmError: rank 1: ValueError: bad shape, exit code: 1"
    aws.outcomes = [{"TrainingJobStatus": "Failed", "FailureReason": reason}]
    done, messages = run(tiny(), aws)
    assert (done.status, done.error, done.cause) == ("FAILED", "ProgramFailed", reason)
    assert len(aws.jobs) == 1
    assert reason in messages[0]["Message"]
    assert receipt_of(aws)["outcome"] == "Failed"


def test_a_capacity_error_goes_to_the_next_type_of_the_same_run(aws: FakeAws) -> None:
    fallback = {"instance_type": "ml.g6.xlarge", "hyperparameters": {"batch_size": 8}}
    spec = tiny(
        compute={"instance_type": "ml.g5.xlarge", "count": 2, "fallback": [fallback]}, hyperparameters={"batch_size": 4}
    )
    aws.outcomes = [CAPACITY]
    done, messages = run(spec, aws)
    assert done.status == "SUCCEEDED"
    first, second = aws.jobs.values()
    assert [job["ResourceConfig"]["InstanceType"] for job in (first, second)] == ["ml.g5.xlarge", "ml.g6.xlarge"]
    assert [job["HyperParameters"]["batch_size"] for job in (first, second)] == ["4", "8"]
    assert first["CheckpointConfig"] == second["CheckpointConfig"]
    assert [job["TrainingJobName"][-2:] for job in (first, second)] == ["-1", "-2"]
    assert receipt_of(aws)["attempt_count"] == 2
    assert "Attempts (2)" in messages[0]["Message"]


def test_a_fallbacks_own_values_win_over_the_input_and_the_receipt_says_so(aws: FakeAws) -> None:
    """They belong to the instance type: a batch size that fits one GPU is no use on another."""
    fallback = {"instance_type": "ml.g6.xlarge", "hyperparameters": {"batch_size": 8}}
    spec = tiny(compute={"instance_type": "ml.g5.xlarge", "count": 2, "fallback": [fallback]})
    given = {"hyperparameters": {"batch_size": 64, "lr": 0.1}, "processes_per_node": 1}
    aws.outcomes = [CAPACITY]
    _, messages = run(spec, aws, given)
    first, second = aws.jobs.values()
    assert [job["HyperParameters"]["batch_size"] for job in (first, second)] == ["64", "8"]
    assert [job["HyperParameters"]["lr"] for job in (first, second)] == ["0.1", "0.1"]
    values = receipt_of(aws)["values"]
    assert values["hyperparameters.batch_size"] == {"value": 8, "source": "fallback"}
    assert values["instance_type"] == {"value": "ml.g6.xlarge", "source": "fallback"}
    assert values["hyperparameters.lr"] == {"value": 0.1, "source": "input"}
    said = "on ml.g6.xlarge, hyperparameters.batch_size is 8, not 64 (input): the fallback for that type sets it"
    assert f"Note: {said}" in messages[0]["Message"]
    assert "processes_per_node is its default, not 1 (input)" in messages[0]["Message"]


def test_without_falling_back_the_values_are_the_launchs_own(aws: FakeAws) -> None:
    fallback = {"instance_type": "ml.g6.xlarge", "hyperparameters": {"batch_size": 8}}
    run(tiny(compute={"instance_type": "ml.g5.xlarge", "count": 2, "fallback": [fallback]}), aws)
    assert {one["source"] for one in receipt_of(aws)["values"].values()} == {"toml"}


def test_waits_for_quota_and_then_trains(aws: FakeAws) -> None:
    aws.outcomes = [LIMIT, LIMIT]
    done, _ = run(tiny(), aws)
    assert done.status == "SUCCEEDED"
    assert done.waited_seconds == 60 + 120
    assert list(aws.jobs) == ["tiny-20261121-073000-ab12-3"]


def test_gives_up_queueing_after_its_time(aws: FakeAws) -> None:
    aws.outcomes = [LIMIT] * 50
    done, messages = run(tiny(), aws)
    assert (done.status, done.error) == ("FAILED", "QuotaInUse")
    assert done.waited_seconds == 600
    assert "within 600 s of queueing" in messages[0]["Message"]


def test_an_internal_error_is_retried_twice(aws: FakeAws) -> None:
    aws.outcomes = [INTERNAL, INTERNAL, INTERNAL]
    done, _ = run(tiny(), aws)
    assert (done.error, len(aws.jobs)) == ("ServiceInternalError", 3)


def test_an_interrupted_run_resumes_within_the_time_that_is_left(aws: FakeAws) -> None:
    aws.outcomes = [INTERRUPTED]
    done, _ = run(tiny(), aws)
    assert done.status == "SUCCEEDED"
    first, second = aws.jobs.values()
    assert first["StoppingCondition"]["MaxRuntimeInSeconds"] == 3600
    assert second["StoppingCondition"]["MaxRuntimeInSeconds"] == 3000  # so that the worst case of the cost holds


def test_resumes_end_when_the_time_is_used_up(aws: FakeAws) -> None:
    aws.outcomes = [{**INTERRUPTED, "TrainingTimeInSeconds": 3590}]
    done, _ = run(tiny(), aws)
    assert (done.status, done.error) == ("FAILED", "Interrupted")
    assert done.cause.startswith("10 s are left of the run's longest run time")


def test_without_checkpoints_there_is_nothing_to_resume(aws: FakeAws) -> None:
    aws.outcomes = [INTERRUPTED]
    done, _ = run(tiny(checkpoints={"enabled": False}), aws)
    assert (done.error, len(aws.jobs)) == ("Interrupted", 1)


def test_a_job_that_a_person_stopped_stays_stopped(aws: FakeAws) -> None:
    aws.outcomes = [{"TrainingJobStatus": "Stopped", "SecondaryStatus": "Stopped"}]
    done, messages = run(tiny(), aws)
    assert (done.status, done.error, len(aws.jobs)) == ("FAILED", "Stopped", 1)
    assert messages[0]["Subject"].startswith("tiny was stopped")


def test_a_job_that_ran_out_of_time_is_a_failure_though_its_program_ended_well(aws: FakeAws) -> None:
    aws.outcomes = [{"TrainingJobStatus": "Stopped", "SecondaryStatus": "MaxRuntimeExceeded"}]
    done, messages = run(tiny(), aws)
    assert (done.status, done.error, len(aws.jobs)) == ("FAILED", "OutOfTime", 1)
    receipt = receipt_of(aws)
    assert (receipt["outcome"], receipt["error"], receipt["model"]) == ("Failed", "OutOfTime", None)
    assert "reached its longest run time and was stopped" in messages[0]["Message"]


def test_the_second_path_submits_and_watches(aws: FakeAws) -> None:
    spec = tiny(debug={"remote": True})
    done, _ = run(spec, aws)
    assert done.status == "SUCCEEDED"
    assert done.visited[2:6] == ["Submit", "Watch", "Look", "Ended?"]
    assert aws.jobs["tiny-20261121-073000-ab12-1"]["RemoteDebugConfig"] == {"EnableRemoteDebug": True}


def test_the_second_path_classifies_a_refused_call(aws: FakeAws) -> None:
    aws.outcomes = [LIMIT]
    done, _ = run(tiny(debug={"remote": True}), aws)
    assert (done.status, done.waited_seconds - 10) == ("SUCCEEDED", 60)


def on_spot(give_up: str | None = "30m", **more: Any) -> JobSpec:
    fallback = [{"instance_type": "ml.g6.xlarge"}, {"instance_type": "ml.g5.xlarge", "on_demand": True}]
    compute = {"instance_type": "ml.g5.xlarge", "count": 2, "fallback": fallback}
    waits = {} if give_up is None else {"give_up": give_up}
    return tiny(**{"compute": compute, "spot": {"enabled": True, "max_wait": "12h", **waits}, **more})


def test_spot_that_never_comes_gives_way_to_the_next_type_and_at_last_to_on_demand(aws: FakeAws) -> None:
    """SageMaker waits in Starting without an error, up to MaxWaitTimeInSeconds."""
    aws.outcomes = [WAITING, WAITING]
    done, messages = run(on_spot(), aws)
    assert done.status == "SUCCEEDED"
    jobs = list(aws.jobs.values())
    assert [job["EnableManagedSpotTraining"] for job in jobs] == [True, True, False]
    assert [job["ResourceConfig"]["InstanceType"] for job in jobs] == ["ml.g5.xlarge", "ml.g6.xlarge", "ml.g5.xlarge"]
    limits = [job["StoppingCondition"].get("MaxWaitTimeInSeconds") for job in jobs]
    assert limits == [43200, 43200, None]  # SageMaker refuses it for a job that is not on spot
    whys = [step["why"] for step in receipt_of(aws)["steps"]]
    assert whys == [
        "No spot capacity within 30m for ml.g5.xlarge; trying ml.g6.xlarge.",
        "No spot capacity within 30m for ml.g6.xlarge; trying ml.g5.xlarge on demand.",
    ]
    assert all(why in messages[0]["Message"] for why in whys)


def test_without_spot_the_same_machines_on_demand_are_no_fallback(aws: FakeAws) -> None:
    aws.outcomes = [CAPACITY, CAPACITY]
    done, _ = run(on_spot(queue={"max_wait": "0s"}), aws, {"spot": False})
    assert (done.error, len(aws.jobs)) == ("NoCapacity", 2)


def test_the_wait_for_spot_counts_as_queueing(aws: FakeAws) -> None:
    aws.outcomes = [WAITING, WAITING, CAPACITY, WAITING]
    done, _ = run(on_spot(queue={"max_wait": "1h"}), aws)
    assert (done.status, done.error, len(aws.jobs)) == ("FAILED", "NoCapacity", 3)


def test_without_a_wait_of_its_own_spot_gives_way_when_sagemaker_gives_up(aws: FakeAws) -> None:
    late = STARTED + timedelta(hours=12)
    over = transitions(Starting=STARTED, Stopping=late, MaxWaitTimeExceeded=late)
    aws.outcomes = [{**NEVER_LAUNCHED, "SecondaryStatusTransitions": over}]
    spec = tiny(spot={"enabled": True, "max_wait": "12h"}, queue={"max_wait": "13h"})
    done, _ = run(spec, aws, clock=[late.timestamp()])
    assert (done.status, len(aws.jobs)) == ("SUCCEEDED", 2)
    assert receipt_of(aws)["steps"][0]["why"].startswith("No spot capacity within 12h for ml.g5.xlarge; waiting 60 s")


def test_a_person_may_stop_a_job_that_waits_for_spot(aws: FakeAws) -> None:
    early = STARTED + timedelta(minutes=10)
    stopped = {"TrainingJobStatus": "Stopped", "SecondaryStatus": "Stopped"}
    aws.outcomes = [{**WAITING, **stopped, "SecondaryStatusTransitions": transitions(Starting=STARTED, Stopping=early)}]
    done, _ = run(on_spot(), aws)
    assert (done.status, done.error, len(aws.jobs)) == ("FAILED", "Stopped", 1)


def test_spot_that_does_not_come_back_gives_way_as_well(aws: FakeAws) -> None:
    """The job trained, was interrupted, and waits: the next attempt goes on from its checkpoints."""
    lost = transitions(Starting=STARTED, Training=STARTED, Interrupted=STARTED)
    aws.outcomes = [{**WAITING, "TrainingStartTime": STARTED, "SecondaryStatusTransitions": lost}]
    done, _ = run(on_spot(), aws)
    assert (done.status, len(aws.jobs)) == ("SUCCEEDED", 2)


def test_a_job_that_trains_is_left_alone(aws: FakeAws) -> None:
    began = transitions(Starting=STARTED, Training=STARTED)
    runs = {"SecondaryStatus": "Training", "TrainingStartTime": STARTED, "SecondaryStatusTransitions": began}
    aws.outcomes = [{**WAITING, **runs}]
    done, _ = run(on_spot(), aws)
    assert done.status == "SUCCEEDED"
    assert "sagemaker.stop_training_job" not in aws.calls and len(aws.jobs) == 1


def test_registers_the_model_before_the_receipt(aws: FakeAws) -> None:
    done, messages = run(tiny(registry={"enabled": True}), aws)
    assert done.visited[4:6] == ["Register", "Receipt"]
    package = aws.packages[0]
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    assert package["ModelPackageGroupName"] == "shardyard-dev-tiny"
    assert package["CustomerMetadataProperties"]["run_id"] == "20261121-073000-ab12"
    assert receipt_of(aws)["model_package_arn"] in messages[0]["Message"]


def test_a_group_of_models_is_made_once_and_jobs_may_share_it(aws: FakeAws) -> None:
    aws.groups_of_models = ["team"]
    done, _ = run(tiny(registry={"enabled": True, "group": "team"}), aws)
    assert done.status == "SUCCEEDED"
    assert (aws.groups_of_models, [one["ModelPackageGroupName"] for one in aws.packages]) == (["team"], ["team"])


def test_a_refusal_is_told_and_creates_nothing(aws: FakeAws) -> None:
    done, messages = run(tiny(), aws, {"cap_usd": 0.5})
    assert (done.status, done.error) == ("FAILED", "Refused")
    assert done.visited == ["Preflight", "Accepted?", "Refused", "Notify", "Outcome?", "Failed"]
    assert "the job's cap (cost.cap_usd) is 0.50 USD" in done.cause
    assert done.cause in messages[0]["Message"]
    assert not aws.jobs


def test_a_message_that_cannot_be_sent_does_not_change_the_outcome(aws: FakeAws) -> None:
    def broken(_: Any) -> None:
        raise TaskError("SNS.KmsAccessDenied", "no")

    done, _ = run(tiny(), aws, publish=broken)
    assert done.status == "SUCCEEDED"


def test_the_state_stays_far_below_its_limit(aws: FakeAws) -> None:
    """Step Functions ends an execution whose state is over 256 KB."""
    spec = tiny(queue={"max_wait": "28d"})
    state: dict[str, Any] = {"launch": preflight(preflight_event(spec), aws, STARTED)}
    now = STARTED.timestamp()
    for attempts in range(1, 1500):  # noqa: B007  counted
        name = state["launch"]["request"]["TrainingJobName"]
        aws.jobs[name] = {**CAPACITY, "TrainingJobName": name, "ResourceConfig": {}}
        state = classify({"launch": state["launch"]}, aws, now)
        now += state["next"]["wait_seconds"]
        if state["next"]["action"] == "end":
            break
    assert state["next"]["action"] == "end"
    assert attempts * 16 < 25_000  # the room in an execution's history
    assert len(json.dumps(state)) < 128_000
