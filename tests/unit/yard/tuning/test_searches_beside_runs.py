"""Searches beside runs: `yard status`, `logs`, `history` and `stop` know them by their ids and by their jobs' names."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from shardyard.spec import receipts
from tests.support.fakes.fake_aws import failure
from tests.support.spec.spec_tables import make
from tests.support.spec.tuning_rule_cases import search
from yard.commands import watch
from yard.commands.results import reports

STARTED = datetime(2026, 11, 21, 7, 30, tzinfo=UTC)
RUN, SEARCH = "20261121-073000-aaaa", "20261121-083000-bbbb"
TUNING_JOB = f"tiny-{SEARCH}"
TRIALS = [
    {
        "TrainingJobName": f"{TUNING_JOB}-{number:03}-abcdef12",
        "TrainingJobStatus": status,
        "TunedHyperParameters": {"lr": f"0.{number}"},
        **({} if value is None else {"FinalHyperParameterTuningJobObjectiveMetric": {"Value": value}}),
    }
    for number, status, value in ((1, "Completed", 0.5), (2, "InProgress", None))
]


def trial(name: str) -> dict[str, Any]:
    """What the service says of a trial's training job."""
    found = next(one for one in TRIALS if one["TrainingJobName"] == name)
    return {
        "TrainingJobName": name,
        "TrainingJobStatus": found["TrainingJobStatus"],
        "AlgorithmSpecification": {"TrainingImage": "image"},
        "HyperParameters": found["TunedHyperParameters"],
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
        "BillableTimeInSeconds": 60,
    }


class Account:
    """One job that was trained once and is searched now, and one that is not deployed."""

    region, endpoint = "us-east-1", None

    def __init__(self) -> None:
        jobs = [make(name="tiny", **search()), make(name="other")]
        self.project = SimpleNamespace(
            jobs=lambda: jobs,
            job=lambda name: next(one for one in jobs if one.name == name),
            has_job=lambda name: any(one.name == name for one in jobs),
            kind=lambda name: "training",
            deployed_name=lambda name: name,
            state_machine_name=lambda name: name,
            deploy="cdk deploy",
            settings=SimpleNamespace(project="yard", stage="dev"),
        )
        self.stopped: list[str] = []
        self.status = "RUNNING"
        self.line = ""

    def state_machine_arn(self, job: str) -> str:
        return f"arn:{job}"

    def search_machine_arn(self, job: str) -> str:
        return f"arn:{job}_search"

    def artifact_bucket(self) -> str:
        return "artifacts"

    def client(self, service: str) -> Any:
        return SimpleNamespace(
            get_paginator=lambda name: SimpleNamespace(paginate=lambda **query: self.pages(name, query)),
            describe_execution=lambda executionArn: self.execution(executionArn),
            describe_hyper_parameter_tuning_job=self.describe,
            stop_hyper_parameter_tuning_job=lambda **named: self.stopped.append(*named.values()),
            describe_training_job=lambda TrainingJobName: trial(TrainingJobName),
            get_object=self.get_object,
        )

    def execution(self, arn: str) -> dict[str, Any]:
        is_search = arn == SEARCH
        status, moment = (self.status, STARTED + timedelta(hours=1)) if is_search else ("SUCCEEDED", STARTED)
        stopped = {} if status == "RUNNING" else {"stopDate": moment + timedelta(minutes=5)}
        return {"name": arn, "executionArn": arn, "status": status, "startDate": moment, **stopped}

    def pages(self, name: str, query: dict[str, Any]) -> Any:
        if name == "list_executions":
            found = {"arn:tiny": RUN, "arn:tiny_search": SEARCH}.get(query["stateMachineArn"])
            if found is None:
                raise failure("StateMachineDoesNotExist")
            return [{"executions": [self.execution(found)]}]
        if name == "list_training_jobs_for_hyper_parameter_tuning_job":
            return [{"TrainingJobSummaries": TRIALS}]
        if name == "filter_log_events":
            job = query["logStreamNamePrefix"].rstrip("/")
            event = {"logStreamName": f"{job}/algo-1-1700000000", "message": self.line or f"says {job[-12:-9]}"}
            return [{"events": [{**event, "eventId": f"{job}", "timestamp": 1_700_000_000_000}]}]
        kinds = ("TrainingJob", "ProcessingJob", "TransformJob", "AutoMLJob")
        return [{"Results": [], **{f"{kind}Summaries": [] for kind in kinds}}]

    def describe(self, HyperParameterTuningJobName: str) -> dict[str, Any]:
        assert HyperParameterTuningJobName == TUNING_JOB
        return {
            "HyperParameterTuningJobStatus": "InProgress",
            "HyperParameterTuningJobConfig": {
                "Strategy": "Random",
                "HyperParameterTuningJobObjective": {"MetricName": "loss", "Type": "Minimize"},
                "ResourceLimits": {"MaxNumberOfTrainingJobs": 4},
            },
            "BestTrainingJob": {"TrainingJobName": TRIALS[0]["TrainingJobName"]},
        }

    def get_object(self, Bucket: str, Key: str) -> Any:
        if SEARCH not in Key or not Key.endswith("receipt.json"):
            raise failure("NoSuchKey")
        trials = [{"name": "t-1", "objective": 0.25}, {"name": "t-2", "objective": 0.5}]
        found = {"tuning": {"trials": trials, "best": "t-1", "objective": {"metric": "loss"}}, "cost_usd": 1.5}
        return {"Body": SimpleNamespace(read=lambda most=-1: json.dumps(found).encode())}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    made = Account()
    for module in (watch, reports):
        monkeypatch.setattr(module, "find_project", lambda: None)
        monkeypatch.setattr(module, "Aws", lambda project: made)
    return made


def commands() -> typer.Typer:
    made = typer.Typer()
    watch.register(made)
    reports.register(made)
    return made


def yard(*words: str) -> str:
    done = CliRunner().invoke(commands(), list(words))
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


def test_the_status_of_all_jobs_has_their_newest_searches(account: Account) -> None:
    rows = json.loads(yard("status", "--json"))
    assert [(row["job"], row["kind"], row["run"], row["status"]) for row in rows] == [
        ("tiny", "training", RUN, "succeeded"),
        ("tiny", "tuning", SEARCH, "running"),
        ("other", "training", None, "not deployed"),
    ]
    assert "tiny (search)" in yard("status")


@pytest.mark.parametrize("wanted", [SEARCH, "tiny"])
def test_the_status_of_a_search_has_its_trials_and_its_best(account: Account, wanted: str) -> None:
    """By the job's name the newest is meant, be it a run or a search."""
    said = json.loads(yard("status", wanted, "--json"))
    assert (said["search"], said["tuning_job"], said["phase"]) == (SEARCH, TUNING_JOB, "InProgress")
    assert (said["trials"], said["of"], said["running"]) == (2, 4, 1)
    assert (said["best_loss"], said["best_trial"]) == (0.5, TRIALS[0]["TrainingJobName"])


def test_a_run_of_a_job_that_is_searched_too_is_found_by_its_id(account: Account) -> None:
    assert json.loads(yard("status", RUN, "--json"))["run"] == RUN


def test_the_logs_of_a_search_are_those_of_its_trials(account: Account) -> None:
    assert yard("logs", SEARCH).splitlines() == ["trial 1 algo-1  says 001", "trial 2 algo-1  says 002"]
    [line] = yard("logs", SEARCH, "--trial", "2", "--json").splitlines()
    assert json.loads(line) == {
        "at": 1_700_000_000_000,
        "trial": 2,
        "training_job": TRIALS[1]["TrainingJobName"],
        "host": "algo-1",
        "text": "says 002",
    }


def test_a_run_has_no_trials(account: Account) -> None:
    done = CliRunner().invoke(commands(), ["logs", RUN, "--trial", "1"])
    assert done.exit_code != 0
    assert f"The run {RUN} of tiny is no search, and has no trials." in str(done.exception)


def test_the_history_lists_searches_among_the_runs(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    account.status = "SUCCEEDED"
    monkeypatch.setattr(receipts, "read", json.loads)
    rows = json.loads(yard("history", "--json"))
    assert [(row["kind"], row["run"]) for row in rows] == [("tuning", SEARCH), ("training", RUN)]
    assert (rows[0]["metrics"], rows[0]["loss"], rows[0]["cost_usd"]) == ({"loss": 0.25}, 0.25, 1.5)
    assert "tiny (search)" in yard("history", "tiny")
    assert len(json.loads(yard("history", "--limit", "1", "--json"))) == 1


def test_a_search_is_stopped_by_its_id(account: Account) -> None:
    yard("stop", SEARCH, "--yes")
    assert account.stopped == [TUNING_JOB]


def test_a_search_is_compared_by_its_best_trial(account: Account) -> None:
    account.line = "metric step=7 loss=0.5"
    rows = json.loads(yard("compare", SEARCH, RUN, "--json"))
    assert [(row["run_id"], row["name"], row["status"]) for row in rows] == [
        (TRIALS[0]["TrainingJobName"], "trial 1", "succeeded"),
        (RUN, None, "succeeded"),
    ]
    assert rows[0]["settings"]["lr"] == 0.1
    assert rows[0]["points"] == [{"step": 7, "seconds": 0, "metrics": {"step": 7, "loss": 0.5}}]
    assert rows[0]["billable_seconds"] == 60


def test_trials_are_compared_by_the_names_of_their_training_jobs(account: Account) -> None:
    first, second = (one["TrainingJobName"] for one in TRIALS)
    rows = json.loads(yard("compare", first, second, "--json"))
    assert [(row["name"], row["status"]) for row in rows] == [("trial 1", "succeeded"), ("trial 2", "running")]
    assert [row["settings"]["lr"] for row in rows] == [0.1, 0.2]


def test_a_trial_that_is_none_and_a_search_without_a_best_one_are_said(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = f"{TUNING_JOB}-009-abcdef12"
    done = CliRunner().invoke(commands(), ["compare", missing, RUN])
    assert f"The search {SEARCH} of tiny has no trial {missing}." in str(done.exception)
    monkeypatch.setattr(
        account, "describe", lambda **named: {**Account.describe(account, **named), "BestTrainingJob": {}}
    )
    monkeypatch.delitem(TRIALS[0], "FinalHyperParameterTuningJobObjectiveMetric")
    done = CliRunner().invoke(commands(), ["compare", SEARCH, RUN])
    assert f"The search {SEARCH} of tiny has no trial with a result yet." in str(done.exception)


def test_a_run_has_no_trials_to_compare(account: Account) -> None:
    done = CliRunner().invoke(commands(), ["compare", f"tiny-{RUN}-001-abcdef12", SEARCH])
    assert f"The run {RUN} of tiny is no search, and has no trials." in str(done.exception)
