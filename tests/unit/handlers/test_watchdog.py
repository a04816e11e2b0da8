"""The watchdog: minutes of low GPU use and of silence, an alert once, and it goes to sleep by itself."""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from shardyard.handlers.watching.watchdog.index import Limits, trailing_low_minutes, watch

NOW = 1_800_000_000.0
LIMITS = Limits(
    project="yard",
    stage="dev",
    topic_arn="arn:topic",
    rule="watch",
    low_gpu_percent=10,
    low_gpu_minutes=30,
    silent_minutes=20,
    every_minutes=5,
)


class Account:
    """One running job on two hosts with one GPU each, and all that the watchdog asks for."""

    def __init__(self, *, low_minutes: int = 0, silent_minutes: int = 0, running: bool = True) -> None:
        self.low_minutes, self.silent_minutes, self.running = low_minutes, silent_minutes, running
        self.tags = [{"Key": "project", "Value": "yard"}, {"Key": "stage", "Value": "dev"}]
        self.secondary = "Training"
        self.instance_type = "ml.g5.xlarge"
        self.has_log_group = True
        self.published: dict[str, float] = {}
        self.messages: list[str] = []
        self.disabled: list[str] = []
        self.enabled: list[str] = []
        self.begins_when_disabled = False
        self.environment = {"SHARDYARD_ENTRY": "train.py"}
        self.stopped: list[str] = []
        self.started = NOW - 7200
        self.processing = False
        self.groups: set[str] = set()
        self.namespaces: set[str] = set()

    def __call__(self, service: str) -> "Account":
        return self

    def get_paginator(self, operation: str) -> "Account":
        self.operation = operation
        return self

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        if self.operation == "list_training_jobs":
            summary = {"TrainingJobName": "gpt-1", "TrainingJobArn": "arn:job"}
            return [{"TrainingJobSummaries": [summary] if self.running and not self.processing else []}]
        if self.operation == "list_processing_jobs":
            summary = {"ProcessingJobName": "gpt-1", "ProcessingJobArn": "arn:job"}
            return [{"ProcessingJobSummaries": [summary] if self.running and self.processing else []}]
        if self.operation == "describe_log_streams":
            self.groups.add(request["logGroupName"])
            if not self.has_log_group:
                raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "no group"}}, "Describe")
            return [{"logStreams": [{"logStreamName": "gpt-1/algo-1-1"}]}]
        self.namespaces |= {one["MetricStat"]["Metric"]["Namespace"] for one in request["MetricDataQueries"]}
        minutes = [NOW - 60 * minute for minute in range(1, 60)]
        values = [2.0 if minute <= self.low_minutes else 95.0 for minute in range(1, 60)]
        times = [datetime.fromtimestamp(at, UTC) for at in minutes]
        return [{"MetricDataResults": [{"Timestamps": times, "Values": values} for _ in request["MetricDataQueries"]]}]

    def list_tags(self, **_: str) -> dict[str, Any]:
        return {"Tags": self.tags}

    def describe_training_job(self, **_: str) -> dict[str, Any]:
        return {
            "TrainingJobName": "gpt-1",
            "SecondaryStatus": self.secondary,
            "Environment": self.environment,
            "TrainingStartTime": datetime.fromtimestamp(self.started, UTC),
            "ResourceConfig": {"InstanceType": self.instance_type, "InstanceCount": 2},
        }

    def describe_processing_job(self, **_: str) -> dict[str, Any]:
        cluster = {"InstanceType": self.instance_type, "InstanceCount": 2}
        return {
            "ProcessingJobName": "gpt-1",
            "Environment": self.environment,
            **({"ProcessingStartTime": datetime.fromtimestamp(self.started, UTC)} if self.started else {}),
            "ProcessingResources": {"ClusterConfig": cluster},
        }

    def get_log_events(self, **_: Any) -> dict[str, Any]:
        return {"events": [{"timestamp": int((NOW - 60 * self.silent_minutes) * 1000)}]}

    def put_metric_data(self, **request: Any) -> None:
        self.published = {metric["MetricName"]: metric["Value"] for metric in request["MetricData"]}

    def publish(self, **request: str) -> None:
        self.messages.append(request["Message"])

    def stop_training_job(self, **request: str) -> None:
        self.stopped.append(request["TrainingJobName"])

    def disable_rule(self, **request: str) -> None:
        self.disabled.append(request["Name"])
        self.running |= self.begins_when_disabled

    def enable_rule(self, **request: str) -> None:
        self.enabled.append(request["Name"])


def test_a_busy_talking_job_is_left_in_peace() -> None:
    account = Account()
    watch(LIMITS, account, now=NOW)
    assert account.published == {"LowGpuMinutes": 0, "SilentMinutes": 0}
    assert (account.messages, account.disabled) == ([], [])


def test_idle_gpus_are_counted_and_told() -> None:
    account = Account(low_minutes=32)
    watch(LIMITS, account, now=NOW)
    assert account.published["LowGpuMinutes"] == 32
    assert account.messages == [
        "The GPUs of gpt-1 have been below 10 percent for 32 minutes. It may wait for data, or for a rank that hangs."
    ]


def test_silence_is_counted_and_told() -> None:
    account = Account(silent_minutes=21)
    watch(LIMITS, account, now=NOW)
    assert account.published["SilentMinutes"] == 21
    assert account.messages == ["gpt-1 has not printed a line for 21 minutes. It may hang."]


@pytest.mark.parametrize("silent_minutes", [19, 25, 60])
def test_an_alert_comes_once(silent_minutes: int) -> None:
    account = Account(silent_minutes=silent_minutes)
    watch(LIMITS, account, now=NOW)
    assert account.messages == []


def test_a_job_that_waits_for_capacity_is_not_wasted() -> None:
    account = Account(low_minutes=50, silent_minutes=50)
    account.secondary = "Starting"
    watch(LIMITS, account, now=NOW)
    assert account.published == {"LowGpuMinutes": 0, "SilentMinutes": 0}


def test_a_job_without_gpus_has_no_low_use() -> None:
    account = Account(low_minutes=50)
    account.instance_type = "ml.c5.xlarge"
    watch(LIMITS, account, now=NOW)
    assert account.published["LowGpuMinutes"] == 0


def test_before_the_first_line_of_a_regions_first_job_there_is_no_log_group() -> None:
    """SageMaker makes the group for the first job that prints; until then a job is silent since its start."""
    account = Account(low_minutes=32)
    account.has_log_group = False
    [health] = watch(LIMITS, account, now=NOW)
    assert (health.low_gpu_minutes, health.silent_minutes) == (32, 120)
    assert account.published == {"LowGpuMinutes": 32, "SilentMinutes": 120}


def test_jobs_of_other_projects_are_not_looked_at() -> None:
    account = Account(silent_minutes=21)
    account.tags = [{"Key": "project", "Value": "other"}]
    assert watch(LIMITS, account, now=NOW) == []
    assert account.disabled == ["watch"]


def test_with_nothing_running_it_goes_to_sleep_and_the_alarms_clear() -> None:
    account = Account(running=False)
    watch(LIMITS, account, now=NOW)
    assert (account.disabled, account.enabled) == (["watch"], [])
    assert account.published == {"LowGpuMinutes": 0, "SilentMinutes": 0}


def test_a_job_that_begins_while_it_goes_to_sleep_is_watched() -> None:
    """Its event enabled the schedule before the watchdog, which had seen no job, disabled it."""
    account = Account(running=False)
    account.begins_when_disabled = True
    watch(LIMITS, account, now=NOW)
    assert (account.disabled, account.enabled) == (["watch"], ["watch"])


def test_only_the_newest_minutes_in_a_row_count() -> None:
    assert trailing_low_minutes({1: 0.0, 2: 50.0, 3: 1.0, 4: 2.0}, limit=10) == 2
    assert trailing_low_minutes({}, limit=10) == 0


@pytest.mark.parametrize(
    ("silent_minutes", "environment", "stopped"),
    [
        (129, {}, []),
        (130, {}, ["gpt-1"]),
        (39, {"SHARDYARD_LONGEST_SILENCE": "1800"}, []),
        (40, {"SHARDYARD_LONGEST_SILENCE": "1800"}, ["gpt-1"]),
        (170, {"SHARDYARD_LONGEST_SILENCE": "0"}, []),
        (170, None, []),
    ],
)
def test_a_job_is_stopped_when_its_longest_silence_and_ten_minutes_are_over(
    silent_minutes: int, environment: dict[str, str] | None, stopped: list[str]
) -> None:
    """The launcher comes first, since it can name the rank; without one the job is nobody's to stop."""
    account = Account(silent_minutes=silent_minutes)
    account.started = NOW - 86400
    account.environment = {} if environment is None else {**account.environment, **environment}
    watch(LIMITS, account, now=NOW)
    assert account.stopped == stopped
    assert [text for text in account.messages if "was stopped: its guards.longest_silence is over" in text] == [
        f"gpt-1 has not printed a line for {silent_minutes} minutes, and was stopped: its guards.longest_silence is "
        "over. A longer one, or 0s for none, stands in [guards] of the job's file."
    ] * len(stopped)


def test_a_processing_job_is_watched_in_its_own_group_and_never_stopped() -> None:
    """It has no launcher that is told how long silence may last."""
    account = Account(low_minutes=32, silent_minutes=600)
    account.processing = True
    account.started = NOW - 86400
    watch(LIMITS, account, now=NOW)
    assert account.published == {"LowGpuMinutes": 32, "SilentMinutes": 600}
    assert (account.groups, account.namespaces) == (
        {"/aws/sagemaker/ProcessingJobs"},
        {"/aws/sagemaker/ProcessingJobs"},
    )
    assert (account.stopped, account.disabled) == ([], [])


def test_a_processing_job_that_has_no_machines_yet_is_not_wasted() -> None:
    account = Account(low_minutes=50, silent_minutes=50)
    account.processing, account.started = True, 0
    watch(LIMITS, account, now=NOW)
    assert account.published == {"LowGpuMinutes": 0, "SilentMinutes": 0}
