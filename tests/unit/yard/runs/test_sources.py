"""Whose lines `yard logs` prints: of an AutoML job those of the jobs behind its candidates."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from shardyard.spec.catalogue.service_jobs import AUTOML, PROCESSING, TRAINING
from yard.runs import sources
from yard.runs.runs import Run

RUN_ID = "20261121-073000-aaaa"
NAME = f"customers-{RUN_ID}"
ARN = "arn:aws:sagemaker:us-east-1:123456789012"
SPLIT = ("AWS::SageMaker::ProcessingJob", f"{ARN}:processing-job/{NAME}-split")
FIRST = ("AWS::SageMaker::TrainingJob", f"{ARN}:training-job/{NAME}-first")
SECOND = ("AWS::SageMaker::TrainingJob", f"{ARN}:training-job/{NAME}-second")
OTHER = ("AWS::SageMaker::SomethingNew", f"{ARN}:something/{NAME}-new")
PAGES: list[dict[str, Any]] = [
    {"Candidates": [{"CandidateSteps": [SPLIT, FIRST]}], "NextToken": "more"},
    {"Candidates": [{"CandidateSteps": [SPLIT, OTHER, SECOND]}]},
]
"""Two candidates that have the first job in common."""
LOGS = {
    "/aws/sagemaker/ProcessingJobs": [(f"{NAME}-split", 1, "splits")],
    "/aws/sagemaker/TrainingJobs": [(f"{NAME}-first", 3, "trains"), (f"{NAME}-second", 2, "trains too")],
}


class Account:
    """One AutoML job of one run."""

    def client(self, _: str) -> "Account":
        return self

    def get_paginator(self, operation: str) -> Any:
        return SimpleNamespace(paginate=getattr(self, operation))

    def list_auto_ml_jobs(self, NameContains: str, **_: Any) -> Any:
        assert NameContains == RUN_ID
        created = datetime(2026, 11, 21, 7, 30, tzinfo=UTC)
        job = {"AutoMLJobName": NAME, "AutoMLJobStatus": "InProgress", "CreationTime": created}
        return [{"AutoMLJobSummaries": [{**job, "AutoMLJobArn": "a", "AutoMLJobSecondaryStatus": "ModelTuning"}]}]

    def list_candidates_for_auto_ml_job(self, AutoMLJobName: str, MaxResults: int, NextToken: str = "") -> Any:
        assert AutoMLJobName == NAME
        page = PAGES[1 if NextToken else 0]
        names = ("CandidateStepType", "CandidateStepArn")
        steps = [[dict(zip(names, step, strict=True)) for step in one["CandidateSteps"]] for one in page["Candidates"]]
        return {**page, "Candidates": [{"CandidateSteps": one} for one in steps]}

    def filter_log_events(self, logGroupName: str, logStreamNamePrefix: str, startTime: int) -> Any:
        return [
            {
                "events": [
                    {"eventId": f"{job}{at}", "timestamp": at, "logStreamName": f"{job}/algo-1-1", "message": text}
                    for job, at, text in LOGS[logGroupName]
                    if f"{job}/".startswith(logStreamNamePrefix)
                ]
            }
        ]


@pytest.fixture
def found() -> list[sources.Source]:
    run = Run(
        job="customers",
        run_id=RUN_ID,
        execution_arn="e",
        status="RUNNING",
        started=datetime(2026, 11, 21, 7, 30, tzinfo=UTC),
        stopped=None,
        kind=AUTOML.kind,
    )
    account: Any = Account()
    return sources.of_run(account, run)


def test_the_jobs_behind_the_candidates_are_found_each_once(found: list[sources.Source]) -> None:
    assert [(one.of, one.name, one.part, one.number) for one in found] == [
        (PROCESSING, f"{NAME}-split", "candidate", 1),
        (TRAINING, f"{NAME}-first", "candidate", 1),
        (TRAINING, f"{NAME}-second", "candidate", 2),
    ]


def test_their_lines_come_from_their_own_log_groups_in_the_order_of_time(found: list[sources.Source]) -> None:
    account: Any = Account()
    tails = sources.Tails(aws=account, run_id=RUN_ID)
    said = [(line.text, source.number) for line, source in tails.lines(found)]
    assert said == [("splits", 1), ("trains too", 2), ("trains", 1)]
    assert tails.lines(found) == [], "each line once"
