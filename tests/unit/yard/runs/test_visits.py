"""yard exec and shell on AWS: the request that is made, how the plugin is called, what is refused and why."""

import json
import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest
from botocore.stub import Stubber

from yard import embedded
from yard.errors import UserError
from yard.runs import runs, visits

RUN = runs.Run(
    job="gpt",
    run_id="20261121-073000-a1b2",
    execution_arn="arn",
    status="RUNNING",
    started=datetime(2026, 11, 21, tzinfo=UTC),
    stopped=None,
)
JOB = {
    "TrainingJobName": "gpt-20261121-073000-a1b2-1",
    "SecondaryStatus": "Training",
    "RemoteDebugConfig": {"EnableRemoteDebug": True},
    "ResourceConfig": {"InstanceType": "ml.g5.xlarge", "InstanceCount": 2},
}
TARGET = "sagemaker-training-job:gpt-20261121-073000-a1b2-1_algo-2"
ANSWER = {"SessionId": "s-1", "TokenValue": "token", "StreamUrl": "wss://ssmmessages.us-east-1.amazonaws.com/v1/s-1"}
PLUGIN = """#!/bin/sh
for word in "$@"; do printf '%s\\n' "$word" >> "$0.said"; done
exit 3
"""


@pytest.fixture
def ssm() -> Any:
    session = botocore.session.get_session()
    return session.create_client("ssm", "us-east-1", aws_access_key_id="x", aws_secret_access_key="x")


def account(ssm: Any = None, **changes: Any) -> Any:
    job = {**JOB, **changes}
    sagemaker = SimpleNamespace(
        describe_training_job=lambda **_: job,
        get_paginator=lambda _: SimpleNamespace(paginate=lambda **_: [{"TrainingJobSummaries": [job]}]),
    )
    clients = {"sagemaker": sagemaker, "ssm": ssm}
    return SimpleNamespace(client=clients.get, endpoint=None, region="us-east-1")


def plugin(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = folder / "session-manager-plugin"
    path.write_text(PLUGIN)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return path


@pytest.mark.parametrize(
    ("command", "request_made"),
    [
        ([], {"Target": TARGET}),
        (
            ["sh", "-c", "echo $HOME"],
            {
                "Target": TARGET,
                "DocumentName": "AWS-StartNonInteractiveCommand",
                "Parameters": {"command": ["sh -c 'echo $HOME'"]},
            },
        ),
    ],
)
def test_the_plugin_is_given_the_session_as_awss_own_command_gives_it(
    ssm: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], request_made: dict[str, Any]
) -> None:
    path = plugin(tmp_path, monkeypatch)
    wanted = {**request_made, "Reason": "yard exec or yard shell"}
    with Stubber(ssm) as stub:
        stub.add_response("start_session", ANSWER, wanted)
        assert visits.run_in(account(ssm), RUN, 2, command, terminal=not command) == 3
        stub.assert_no_pending_responses()
    session, region, operation, profile, request, endpoint = Path(f"{path}.said").read_text().split("\n")[:6]
    assert json.loads(session) == ANSWER and json.loads(request) == wanted
    assert (region, operation, profile) == ("us-east-1", "StartSession", "")
    assert endpoint == "https://ssm.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("changes", "node", "happened", "fix"),
    [
        ({"RemoteDebugConfig": {}}, 1, "runs without remote debugging", "[debug] remote = true"),
        (
            {"SecondaryStatus": "Downloading"},
            1,
            "is downloading, and its nodes can be entered while it trains.",
            "yard",
        ),
        ({}, 3, "has 2 nodes, and no node 3.", ""),
        ({}, 1, "session-manager-plugin is not installed", "Install it: https://docs.aws.amazon.com/"),
    ],
)
def test_what_cannot_be_is_said_with_the_way_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], node: int, happened: str, fix: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError) as caught:
        visits.run_in(account(**changes), RUN, node, ["ls"], terminal=False)
    assert happened in caught.value.happened and fix in caught.value.fix


def processing_account(endpoint: str | None, **changes: Any) -> Any:
    job = {
        "ProcessingJobName": "prepare-20261121-073000-a1b2-1",
        "ProcessingJobArn": "arn:aws:sagemaker:us-east-1:123456789012:processing-job/prepare-20261121-073000-a1b2-1",
        "ProcessingJobStatus": "InProgress",
        "ProcessingStartTime": datetime(2026, 11, 21, tzinfo=UTC),
        "ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2}},
        **changes,
    }
    sagemaker = SimpleNamespace(
        describe_processing_job=lambda **_: job,
        get_paginator=lambda _: SimpleNamespace(paginate=lambda **_: [{"ProcessingJobSummaries": [job]}]),
    )
    return SimpleNamespace(client={"sagemaker": sagemaker}.get, endpoint=endpoint, region="us-east-1")


PROCESSING_RUN = replace(RUN, job="prepare", kind="processing")


def test_a_processing_job_is_entered_in_the_embedded_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def ask(verb: str, **parts: Any) -> Any:
        asked.append((verb, parts))
        return {"command": ["true"], "environment": {}}

    monkeypatch.setattr(embedded, "ask", ask)
    account = processing_account("http://localhost:4566")
    assert visits.run_in(account, PROCESSING_RUN, 2, ["ls"], terminal=False) == 0
    job = {"job": "prepare-20261121-073000-a1b2-1", "host": "algo-2", "kind": "processing"}
    assert asked == [("visit", job)]


@pytest.mark.parametrize(
    ("endpoint", "changes", "node", "happened"),
    [
        (None, {}, 1, "prepare is a processing job, and SageMaker lets nobody into its nodes"),
        ("http://localhost:4566", {}, 3, "has 2 nodes, and no node 3."),
        ("http://localhost:4566", {"ProcessingStartTime": None}, 1, "can be entered while its program runs."),
    ],
)
def test_a_processing_job_that_cannot_be_entered_says_why(
    endpoint: str | None, changes: dict[str, Any], node: int, happened: str
) -> None:
    with pytest.raises(UserError) as caught:
        visits.run_in(processing_account(endpoint, **changes), PROCESSING_RUN, node, ["ls"], terminal=False)
    assert happened in caught.value.happened
