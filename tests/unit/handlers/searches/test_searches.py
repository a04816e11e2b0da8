"""Whole searches through the state machine: what each way of ending leads to."""

import json
import re
from typing import Any

import pytest

from shardyard.handlers.launch.janitor.index import clean_up
from shardyard.spec.catalogue.service_jobs import TRAINING, TUNING
from tests.support.asl import TaskError
from tests.support.fakes.fake_aws import STARTED, failure
from tests.support.launches import DEPLOYMENT, EXECUTION, receipt_of
from tests.support.searches import SEARCH, FakeSearches, Trial, run, tuned
from yard.runs import runs

GOOD = (Trial(value=0.5), Trial(value=0.2, hyperparameters={"lr": "0.003"}), Trial(value=0.4))
BLIND = (Trial(), Trial(), Trial())


def test_a_search_that_goes_well() -> None:
    aws = FakeSearches(*GOOD)
    done = run(tuned(), aws)
    assert (done.status, done.error) == ("SUCCEEDED", "")
    receipt = receipt_of(aws)
    best = f"{SEARCH}-002-0123abcd"
    assert (receipt["outcome"], receipt["attempt_count"]) == ("Completed", 3)
    assert receipt["model"] == f"s3://artifacts/runs/20261121-073000-ab12/tiny-trials/{best}/output/model.tar.gz"
    assert receipt["metrics"] == {"accuracy": 0.9}
    assert receipt["billable_seconds"] == 1800 and receipt["cost_usd"] > 0
    assert receipt["cost_usd"] < receipt["worst_case_usd"]
    search = receipt["tuning"]
    assert (search["tuning_job"], search["best"], search["status"]) == (SEARCH, best, "Completed")
    assert [trial["objective"] for trial in search["trials"]] == [0.5, 0.2, 0.4]
    assert search["trials"][1]["hyperparameters"] == {"lr": "0.003"}
    message = aws.messages[0]
    assert message["Subject"] == "tiny was tuned (20261121-073000-ab12)"
    assert f"0.2  {best}: lr=0.003" in message["Message"]


def test_an_objective_that_the_first_trial_has_not_printed_ends_the_search() -> None:
    aws = FakeSearches(*BLIND)
    done = run(tuned(), aws)
    assert (done.status, done.error) == ("FAILED", "ObjectiveNotFound")
    assert len(aws.listed[SEARCH]) == 1, "another trial would be paid in vain"
    assert aws.searches[SEARCH][TUNING.status_field] == "Stopped"
    assert f"The trial {SEARCH}-001-0123abcd has completed and printed no validation_loss" in done.cause
    assert "The pattern '(?:metric" in done.cause and "matches no line of its log." in done.cause
    assert receipt_of(aws)["cost_usd"] > 0


def test_the_same_sentence_where_the_service_gave_up_first() -> None:
    aws = FakeSearches(Trial())
    aws.ends, aws.more = "Failed", {"FailureReason": "No objective metrics found after running 5 training jobs."}
    aws.searches = {}
    quick = run(tuned(), aws)
    assert quick.error == "ObjectiveNotFound"


def test_a_failed_trial_says_nothing_about_the_objective() -> None:
    aws = FakeSearches(Trial(status="Failed", reason="AlgorithmError: exit code: 1"), *GOOD[1:])
    assert run(tuned(), aws).status == "SUCCEEDED"


def test_a_search_without_a_trial_that_succeeded_fails_with_its_counts() -> None:
    aws = FakeSearches(*[Trial(status="Failed", reason="AlgorithmError: exit code: 1")] * 3)
    done = run(tuned(), aws)
    assert done.error == "NoTrialSucceeded"
    assert done.cause == "No trial ended with a value of the objective (3 NonRetryableError)."


def test_a_search_that_the_service_fails_says_why() -> None:
    aws = FakeSearches(*[Trial(status="Failed")] * 2)
    aws.ends, aws.more = "Failed", {"FailureReason": "No training job succeeded after 5 attempts."}
    done = run(tuned(), aws)
    assert (done.error, done.cause) == ("SearchFailed", "No training job succeeded after 5 attempts.")


@pytest.mark.parametrize(
    ("used", "error"), [(7200, ""), (600, "Stopped")], ids=["by its own time limit", "by a person"]
)
def test_a_stopped_search_is_a_success_only_if_its_time_was_over(used: int, error: str) -> None:
    aws = FakeSearches(*GOOD)
    aws.ends, aws.more = "Stopped", {"ConsumedResources": {"RuntimeInSeconds": used}}
    done = run(tuned(max_runtime="2h"), aws)
    assert done.error == error
    receipt = receipt_of(aws)
    assert receipt["outcome"] == ("Stopped" if error else "Completed")
    assert receipt["tuning"]["best"] == f"{SEARCH}-002-0123abcd", "a search that was stopped keeps what it has found"


def test_the_search_waits_for_a_quota_and_begins_once() -> None:
    aws = FakeSearches(*GOOD)
    aws.refusals = [failure("ResourceLimitExceeded", "The account-level service limit is 100")]
    done = run(tuned(), aws)
    assert done.status == "SUCCEEDED"
    assert done.visited.count("Submit") == 2 and len(aws.searches) == 1


def test_a_request_that_the_service_refuses_is_not_sent_again() -> None:
    aws = FakeSearches(*GOOD)
    aws.refusals = [failure("ValidationException", "1 validation error detected")]
    done = run(tuned(), aws)
    assert (done.status, done.error) == ("FAILED", "RejectedByService")
    assert done.visited.count("Submit") == 1
    assert receipt_of(aws)["tuning"]["trials"] == []


def test_the_best_model_is_registered() -> None:
    aws = FakeSearches(*GOOD)
    assert run(tuned(register=True), aws).status == "SUCCEEDED"
    package = aws.packages[0]
    container = package["InferenceSpecification"]["Containers"][0]
    assert f"{SEARCH}-002-0123abcd" in container["ModelDataUrl"]
    assert receipt_of(aws)["model_package_arn"] is not None


def test_the_job_is_launched_with_the_best_values() -> None:
    aws, given = FakeSearches(*GOOD), list[dict[str, Any]]()
    after = {"enabled": True, "hyperparameters": {"epochs": 50}, "environment": {"ALL": "1"}}
    start = {"hyperparameters": {"width": 8}, "git_commit": "abcdef0", "cap_usd": 100}
    done = run(tuned(retrain=after), aws, start, retrains=given.append)
    assert done.status == "SUCCEEDED"
    assert given == [
        {
            "hyperparameters": {"width": 8, "lr": 0.003, "epochs": 50},
            "environment": {"ALL": "1"},
            "git_commit": "abcdef0",
        }
    ]
    after = receipt_of(aws)["tuning"]["retraining"]
    assert after["status"] == "SUCCEEDED"
    assert re.fullmatch(runs.RUN_ID, after["run_id"]), "an execution is named by its run"
    assert after["run_id"] != "20261121-073000-ab12"


def test_a_training_after_the_search_that_fails_is_told() -> None:
    def fail(_: Any) -> None:
        raise TaskError("States.TaskFailed", json.dumps({"Status": "FAILED", "Cause": "the program failed"}))

    aws = FakeSearches(*GOOD)
    done = run(tuned(retrain={"enabled": True}), aws, retrains=fail)
    assert done.error == "RetrainingFailed"
    assert done.cause == "The search has ended, and the training after it failed: the program failed"


def test_the_search_is_settled_before_the_training_after_it_counts() -> None:
    aws, seen = FakeSearches(*GOOD), list[dict[str, Any]]()

    def entries() -> list[dict[str, Any]]:
        return [json.loads(body) for key, body in aws.objects["artifacts"].items() if key.startswith("ledger/")]

    done = run(tuned(retrain={"enabled": True}), aws, retrains=lambda _: seen.extend(entries()), owner_cap=400)
    assert done.status == "SUCCEEDED"
    (entry,) = seen
    assert entry["ended"] and 0 < entry["spent_usd"] < entry["reserved_usd"]
    assert entries() == seen, "the receipt enters the same"


def test_a_search_that_cannot_be_settled_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def settle(*_: Any) -> None:
        raise TaskError("Lambda.Unknown", "out of memory")

    monkeypatch.setattr("tests.support.searches.settle_search", settle)
    given = list[Any]()
    assert run(tuned(retrain={"enabled": True}), FakeSearches(*GOOD), retrains=given.append).status == "SUCCEEDED"
    assert given


def test_the_receipt_and_the_package_name_the_image_of_the_definition_that_won(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fields = {**DEPLOYMENT.to_dict(), "image_bases": {"cpu": "python:3.11", "gpu": "aws:pytorch/2.13"}}
    monkeypatch.setattr("tests.support.launches.DEPLOYMENT", DEPLOYMENT.from_dict(fields))
    aws = FakeSearches(*GOOD)
    digests = {"cpu": f"sha256:{'c' * 64}", "gpu": f"sha256:{'a' * 64}"}
    aws.images = {("shardyard-dev/pytorch", f"abc-{name}"): digest for name, digest in digests.items()}
    several = [{"name": "won", "instances": [{"instance_type": "ml.m5.large"}]}, {"name": "b"}]
    assert run(tuned(definitions=several, register=True), aws).status == "SUCCEEDED"
    sent = [one["AlgorithmSpecification"]["TrainingImage"] for one in aws.searches[SEARCH]["TrainingJobDefinitions"]]
    assert [uri.rpartition("-")[2] for uri in sent] == ["cpu", "gpu"]
    image = receipt_of(aws)["image"]
    assert image == {"uri": sent[0], "digest": digests["cpu"]}
    container = aws.packages[0]["InferenceSpecification"]["Containers"][0]
    assert (container["Image"], container["ImageDigest"]) == (image["uri"], image["digest"])


def test_trials_on_spot_and_on_several_types_cost_what_they_billed() -> None:
    aws = FakeSearches(*GOOD)
    types = [{"instance_type": "ml.g5.xlarge"}, {"instance_type": "ml.g6.xlarge"}]
    run(tuned(instances=types, job_spot={"enabled": True}), aws)
    receipt = receipt_of(aws)
    assert receipt["billable_seconds"] == 600, "what DescribeTrainingJob says, not the time from start to end"
    assert receipt["spot_saving_percent"] == pytest.approx(66.7)
    assert receipt["notes"] == ["Trials keep no checkpoints: one whose spot capacity is taken back begins again."]


def test_the_janitor_stops_the_search_before_its_trials() -> None:
    aws = FakeSearches(*GOOD)
    run(tuned(), aws)
    trial = f"{SEARCH}-001-0123abcd"
    aws.searches[SEARCH][TUNING.status_field] = "InProgress"
    aws.jobs[trial] |= {"TrainingJobStatus": "InProgress", "Tags": aws.searches[SEARCH]["Tags"]}
    detail = {"executionArn": EXECUTION, "startDate": STARTED.timestamp() * 1000, "input": "{}"}
    assert clean_up(detail, aws, [TRAINING, TUNING]) == [SEARCH, trial]
