"""The receipt: what each attempt cost, what spot saved, and how it reads."""

from datetime import timedelta
from typing import Any

import pytest

from shardyard.handlers.launch.receipt.attempts import account, total
from shardyard.handlers.launch.receipt.index import make_receipt, write_receipt
from shardyard.spec.catalogue import prices
from shardyard.spec.receipt_text import subject, text
from tests.support.fakes.fake_aws import STARTED, FakeAws

PRICES = {"hourly_usd": {"ml.g5.xlarge": 3.6}, "storage_usd_gb_month": 0.0}


def job(**changes: Any) -> dict[str, Any]:
    return {
        "TrainingJobName": "tiny-r1-1",
        "TrainingJobStatus": "Completed",
        "SecondaryStatus": "Completed",
        "AlgorithmSpecification": {"TrainingImage": "image"},
        "Environment": {"SHARDYARD_ARGUMENTS": '["--it=1"]', "OMP_NUM_THREADS": "1", "SHARDYARD_RUN_ID": "r1"},
        "ResourceConfig": {"InstanceType": "ml.g5.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 30},
        "TrainingTimeInSeconds": 1000,
        "BillableTimeInSeconds": 1000,
        "CreationTime": STARTED,
        "TrainingStartTime": STARTED,
        "TrainingEndTime": STARTED + timedelta(seconds=1000),
    } | changes


def event(**changes: Any) -> dict[str, Any]:
    run = {
        "id": "r1",
        "attempt": 1,
        "job": "tiny",
        "execution": "arn:aws:states:us-east-1:123456789012:execution:m:r1",
        "started": "2026-11-21T07:30:00+00:00",
        "region": "us-east-1",
        "partition": "aws",
        "artifact_bucket": "artifacts",
        "dashboard": "board",
        "source_sha256": "a" * 64,
        "git_commit": "abc1234",
        "git_dirty": True,
        "values": {},
        "attempts": [],
        "steps": [],
    }
    cost = {**PRICES, "worst_case_usd": 4.0, "source": "Pricing API, 2026-11-21"}
    plan = {"image": {"uri": "image", "digest": "sha256:1"}, "data": [], "notes": []}
    plan |= {"candidates": [{"instance_type": "ml.g5.xlarge", "fields": {}}], "candidate": 0}
    request = {
        "TrainingJobName": "tiny-r1-1",
        "AlgorithmSpecification": {"TrainingImage": "image"},
        "ResourceConfig": {"InstanceType": "ml.g5.xlarge", "InstanceCount": 2},
    }
    return {"launch": {"request": request, "run": run, "plan": plan, "cost": cost}} | changes


def receipt(*jobs: dict[str, Any], **changes: Any) -> dict[str, Any]:
    aws = FakeAws()
    aws.jobs = {one["TrainingJobName"]: one for one in jobs}
    given = event(**changes)
    given["launch"]["run"]["attempts"] = [{"name": one["TrainingJobName"]} for one in jobs[:-1]]
    given["launch"]["request"] = {"TrainingJobName": jobs[-1]["TrainingJobName"]}
    return make_receipt(given, aws, STARTED.timestamp() + 2000)


def test_billed_time_counts_for_each_instance() -> None:
    line = account(job(), PRICES)
    assert line["cost_usd"] == line["undiscounted_usd"] == 2.0  # 1000 s x 2 instances x 3.6 USD an hour


def test_spot_is_billed_for_less_than_it_trained() -> None:
    made = receipt(job(EnableManagedSpotTraining=True, BillableTimeInSeconds=300))
    assert (made["cost_usd"], made["undiscounted_usd"], made["saved_usd"]) == (0.6, 2.0, 1.4)
    assert made["spot_saving_percent"] == 70.0


def test_a_resumed_run_counts_what_its_earlier_launches_cost() -> None:
    aws = FakeAws()
    before = job(
        TrainingJobName="tiny-r1-1",
        TrainingJobStatus="Stopped",
        ResourceConfig={"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
    )
    aws.jobs = {"tiny-r1-1": before, "tiny-r1-2": job(TrainingJobName="tiny-r1-2")}
    given = event()
    given["launch"]["run"]["attempt"] = 2
    given["launch"]["request"] = {"TrainingJobName": "tiny-r1-2"}
    made = make_receipt(given, aws, STARTED.timestamp() + 2000)
    assert [line["name"] for line in made["attempts"]] == ["tiny-r1-1", "tiny-r1-2"]
    price = prices.hourly_usd("ml.m5.xlarge", "us-east-1")
    assert price is not None
    assert made["cost_usd"] == pytest.approx(2.0 + 1000 / 3600 * price.hourly_usd, abs=1e-3)
    assert made["price_source"] == f"Pricing API, 2026-11-21; ml.m5.xlarge: snapshot of {prices.snapshot_date()}"


def test_a_job_without_spot_has_no_savings_to_tell() -> None:
    made = receipt(job())
    assert (made["spot_saving_percent"], made["saved_usd"]) == (None, None)


def test_groups_are_billed_each_at_its_price() -> None:
    groups = [
        {"InstanceGroupName": "a", "InstanceType": "ml.g5.xlarge", "InstanceCount": 1},
        {"InstanceGroupName": "b", "InstanceType": "ml.c5.xlarge", "InstanceCount": 2},
    ]
    prices = {"hourly_usd": {"ml.g5.xlarge": 3.6, "ml.c5.xlarge": 0.36}}
    assert account(job(ResourceConfig={"InstanceGroups": groups}), prices)["cost_usd"] == 1.2


def test_storage_is_part_of_the_cost() -> None:
    with_storage = account(job(), {**PRICES, "storage_usd_gb_month": 0.14})["cost_usd"]
    assert with_storage == pytest.approx(2.0 + 30 * 2 * 0.14 * 1000 / 3600 / 730, abs=1e-4)


def test_an_unknown_price_makes_the_sum_unknown() -> None:
    line = account(job(), {"hourly_usd": {}})
    assert line["cost_usd"] is None
    assert total([line], "cost_usd") is None
    assert "The cost is unknown" in text(
        receipt(job(ResourceConfig={"InstanceType": "ml.x", "InstanceCount": 1})) | {"location": "s3://r"}
    )


def test_all_attempts_add_up() -> None:
    failed = job(TrainingJobName="tiny-r1-0", TrainingJobStatus="Failed", FailureReason="CapacityError: none")
    made = receipt(failed, job()) | {"location": "s3://r"}
    assert (made["cost_usd"], made["billable_seconds"]) == (4.0, 2000)
    assert "tiny-r1-0: Completed (CapacityError: none) on 2 x ml.g5.xlarge" in text(made)


def test_a_launch_without_any_job_has_a_receipt_too() -> None:
    failed = {"kind": "LIMIT", "error": "QuotaInUse", "cause": "full"}
    made = make_receipt(event(failed=failed), FakeAws(), STARTED.timestamp())
    assert (made["outcome"], made["error"], made["cost_usd"], made["attempts"]) == ("Failed", "QuotaInUse", 0, [])


def test_a_registration_that_failed_is_not_passed_over() -> None:
    made = receipt(job(), registration_failure={"Error": "X", "Cause": "denied"})
    assert (made["outcome"], made["error"]) == ("Failed", "RegistrationFailed")
    assert made["cause"] == "The model is trained but not registered: denied"


def test_interruptions_are_told() -> None:
    steps = [{"Status": "Training"}, {"Status": "Interrupted"}, {"Status": "Training"}]
    made = receipt(job(SecondaryStatusTransitions=steps)) | {"location": "s3://r"}
    assert "Its spot capacity was taken back 1 time." in text(made)


@pytest.mark.parametrize(("again", "files", "tells"), [(True, 0, True), (True, 4, False), (False, 0, False)])
def test_a_restart_without_a_checkpoint_is_told(again: bool, files: int, tells: bool) -> None:
    steps = [{"Status": "Interrupted"}, {"Status": "Training"}] if again else [{"Status": "Training"}]
    metrics = [{"MetricName": "checkpoint_files_at_start", "Value": float(files)}]
    made = receipt(job(SecondaryStatusTransitions=steps, FinalMetricDataList=metrics)) | {"location": "s3://r"}
    assert ("No checkpoint was there when it started again: it began at step 0." in text(made)) is tells
    assert "Final metrics" not in text(made)


@pytest.mark.parametrize(("ran", "tells"), [(True, True), (False, False)])
def test_an_attempt_that_never_got_its_instances_has_lost_nothing(ran: bool, tells: bool) -> None:
    first = job(TrainingJobName="tiny-r1-0", TrainingJobStatus="Stopped")
    if not ran:
        del first["TrainingStartTime"]
    metrics = [{"MetricName": "checkpoint_files_at_start", "Value": 0.0}]
    made = receipt(first, job(FinalMetricDataList=metrics)) | {"location": "s3://r"}
    assert ("No checkpoint was there when it started again" in text(made)) is tells


def test_a_loss_that_was_not_finite_is_told() -> None:
    metrics = [{"MetricName": "loss", "Value": 0.05}, {"MetricName": "not_finite_step", "Value": 40.0}]
    said = text(receipt(job(FinalMetricDataList=metrics)) | {"location": "s3://r"})
    assert "Final metrics: loss 0.05\nThe loss was nan or infinite, last at step 40." in said


def test_a_loss_that_was_not_finite_in_an_epoch_is_told() -> None:
    metrics = [{"MetricName": "epoch", "Value": 2.0}, {"MetricName": "not_finite_epoch", "Value": 2.0}]
    said = text(receipt(job(FinalMetricDataList=metrics)) | {"location": "s3://r"})
    assert "Final metrics: epoch 2\nThe loss was nan or infinite, last in epoch 2." in said


def test_the_text_says_what_the_run_was_made_of() -> None:
    made = receipt(job(HyperParameters={"lr": "0.1", "name": '"a\\nb"'})) | {"location": "s3://r"}
    said = text(made)
    assert "Program: --it=1\n" in said
    assert "Hyperparameters: lr=0.1, name=a b\n" in said, "a value's line break begins no line of the message"
    assert "Environment: OMP_NUM_THREADS=1\n" in said
    assert f"Code: sha256 {'a' * 12}, commit abc1234 and files that differ from it\n" in said
    assert "Versions" not in said, "only the log knows them"
    told = text(made | {"versions": {"Python": "3.11.7", "torch": "2.13.0"}})
    assert "Versions: Python 3.11.7, torch 2.13.0" in told


def test_long_values_do_not_fill_the_message() -> None:
    many = {f"h{number}": "x" * 2000 for number in range(100)}
    said = text(receipt(job(HyperParameters=many)) | {"location": "s3://r"})
    assert max(map(len, said.splitlines())) < 1100


def test_it_says_at_which_step_an_attempt_after_another_began() -> None:
    made = receipt(job(), job(TrainingJobName="tiny-r1-2")) | {"location": "s3://r"}
    made["attempts"][-1]["first_report"] = {"step": 11.0}
    assert text(made).count(", first report at step 11") == 1


def test_it_says_where_everything_is() -> None:
    made = receipt(job(ModelArtifacts={"S3ModelArtifacts": "s3://m"})) | {"location": "s3://r"}
    message = text(made)
    for part in ("Model: s3://m", "Receipt: s3://r", "dashboard/board", "executions/details/arn:aws:states"):
        assert part in message
    assert "$252Faws$252Fsagemaker$252FTrainingJobs$3FlogStreamNameFilter$3Dtiny-r1-1/" in message
    assert (made["source_sha256"], made["git_commit"], made["git_dirty"]) == ("a" * 64, "abc1234", True)


def test_it_keeps_what_the_run_was_set_to() -> None:
    made = receipt(job(HyperParameters={"lr": "0.1"}))["settings"]
    assert (made["arguments"], made["environment"]) == (["--it=1"], {"OMP_NUM_THREADS": "1"})
    assert (made["hyperparameters"], made["instances"]) == ({"lr": 0.1}, "2 x ml.g5.xlarge")


@pytest.mark.parametrize(
    ("outcome", "said"), [("Completed", "trained"), ("Stopped", "was stopped"), ("Failed", "failed")]
)
def test_the_subject_is_what_sns_takes(outcome: str, said: str) -> None:
    line = subject({"job": "j" * 80, "run_id": "r1", "outcome": outcome})
    assert len(line) < 100 and said in line


def test_it_is_stored_beside_the_model() -> None:
    aws = FakeAws()
    aws.jobs = {"tiny-r1-1": job()}
    answer = write_receipt(event(), aws, STARTED.timestamp())
    assert answer["receipt"] == "s3://artifacts/runs/r1/receipt.json"
    assert "runs/r1/receipt.json" in aws.objects["artifacts"]
