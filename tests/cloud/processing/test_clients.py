"""Somebody else's client, unmodified: the AWS command starts a processing job, waits for it and shows it."""

import json
import os
from typing import Any

import pytest

from embedded import lifecycle
from tests.support.cloud import aws_command
from tests.support.clouds.processing_cloud import ProcessingCloud, result

PROGRAM = """
import pathlib
pathlib.Path("/opt/ml/processing/output/report/seen.txt").write_text("42")
pathlib.Path("/opt/ml/output/message").write_text("one report")
"""


@pytest.mark.parametrize("major", [1, 2], ids=["version 1", "version 2"])
def test_the_aws_command_starts_waits_for_and_lists_a_job(cloud: ProcessingCloud, major: int) -> None:
    command = aws_command.newest(major)
    if command is None:
        pytest.skip(f"no version {major} of the AWS command is on the PATH")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    env = kept | lifecycle.variables(cloud.state, cloud.folder)

    def aws(*arguments: str) -> Any:
        said = command.run(env, "sagemaker", *arguments, "--output", "json")
        return json.loads(said) if said.strip() else {}

    name = f"by-command-{major}"
    request = cloud.request(name, cloud.image("reports", PROGRAM))
    request["ProcessingOutputConfig"] = {"Outputs": [result("report", f"{name}/")]}
    aws("create-processing-job", "--cli-input-json", json.dumps(request))
    cloud.finished(name)  # or the command's first look comes too early, and its second a minute later
    aws("wait", "processing-job-completed-or-stopped", "--processing-job-name", name)
    said = aws("describe-processing-job", "--processing-job-name", name)
    assert (said["ProcessingJobStatus"], said["ExitMessage"]) == ("Completed", "one report")
    assert cloud.get(f"{name}/seen.txt") == b"42"
    listed = aws("list-processing-jobs", "--name-contains", name, "--status-equals", "Completed")
    assert [one["ProcessingJobName"] for one in listed["ProcessingJobSummaries"]] == [name]
