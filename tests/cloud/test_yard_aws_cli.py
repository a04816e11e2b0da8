"""The AWS command, unmodified, against the embedded cloud."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.conftest import Cloud
from tests.cloud.house import House
from yard import runs

AWS = shutil.which("aws")
pytestmark = pytest.mark.skipif(AWS is None, reason="there is no aws command here")


def aws(cloud: Cloud, *arguments: str) -> str:
    done = subprocess.run(["aws", *arguments], env=cloud.env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def ask(cloud: Cloud, *arguments: str) -> Any:
    return json.loads(aws(cloud, *arguments, "--output", "json"))


def version(cloud: Cloud) -> int:
    """1 or 2: the two differ in their commands."""
    return int(aws(cloud, "--version").partition("/")[2][0])


def test_s3_cp_and_sync(cloud: Cloud, tmp_path: Path) -> None:
    aws(cloud, "s3", "mb", "s3://aws-cli")
    (tmp_path / "up/sub").mkdir(parents=True)
    (tmp_path / "up/a.txt").write_text("a")
    (tmp_path / "up/sub/b.bin").write_bytes(bytes(9_000_000))  # above the size from which parts are sent
    aws(cloud, "s3", "cp", str(tmp_path / "up/a.txt"), "s3://aws-cli/one.txt")
    aws(cloud, "s3", "sync", str(tmp_path / "up"), "s3://aws-cli/all/")
    assert "upload" not in aws(cloud, "s3", "sync", str(tmp_path / "up"), "s3://aws-cli/all/")
    aws(cloud, "s3", "sync", "s3://aws-cli/all/", str(tmp_path / "down"))
    assert (tmp_path / "down/sub/b.bin").stat().st_size == 9_000_000
    assert aws(cloud, "s3", "cp", "s3://aws-cli/one.txt", "-") == "a"


def test_step_functions(deployed_cloud: Cloud) -> None:
    names = [one["name"] for one in ask(deployed_cloud, "stepfunctions", "list-state-machines")["stateMachines"]]
    assert "shardyard-dev-mnist-ddp" in names


@pytest.mark.e2e
def test_a_training_job_and_its_lines(shipped: House, undisturbed: runs.Run) -> None:
    cloud, name = shipped.cloud, shipped.attempts(undisturbed)[0]["TrainingJobName"]
    described = ask(cloud, "sagemaker", "describe-training-job", "--training-job-name", name)
    assert described["TrainingJobStatus"] == "Completed"
    execution = ask(cloud, "stepfunctions", "describe-execution", "--execution-arn", undisturbed.execution_arn)
    assert execution["status"] == "SUCCEEDED"
    group = "/aws/sagemaker/TrainingJobs"
    events = ask(cloud, "logs", "filter-log-events", "--log-group-name", group, "--log-stream-name-prefix", f"{name}/")
    assert any("metric step=" in event["message"] for event in events["events"])


@pytest.mark.e2e
def test_logs_tail(shipped: House, undisturbed: runs.Run) -> None:
    if version(shipped.cloud) < 2:
        pytest.skip("`aws logs tail` came with version 2 of the AWS command; this is version 1")
    name = shipped.attempts(undisturbed)[0]["TrainingJobName"]
    group = "/aws/sagemaker/TrainingJobs"
    said = aws(shipped.cloud, "logs", "tail", group, "--log-stream-name-prefix", name, "--since", "2h")
    assert "metric step=" in said
