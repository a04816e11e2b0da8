"""The AWS command, unmodified, on a job that the deployed project launched."""

import json

import pytest

from tests.support.cloud import aws_command
from tests.support.cloud.house import House
from yard.runs import runs

pytestmark = pytest.mark.e2e
GROUP = "/aws/sagemaker/TrainingJobs"


@pytest.mark.parametrize("major", [1, 2], ids=["version 1", "version 2"])
def test_a_training_job_and_its_lines(shipped: House, undisturbed: runs.Run, major: int) -> None:
    command = aws_command.newest(major)
    if command is None:
        pytest.skip(f"no version {major} of the AWS command is on the PATH")
    env, name = shipped.cloud.env, shipped.attempts(undisturbed)[0]["TrainingJobName"]
    described = json.loads(command.run(env, "sagemaker", "describe-training-job", "--training-job-name", name))
    assert described["TrainingJobStatus"] == "Completed"
    arn = undisturbed.execution_arn
    execution = json.loads(command.run(env, "stepfunctions", "describe-execution", "--execution-arn", arn))
    assert execution["status"] == "SUCCEEDED"
    if major == 1:  # it has no `aws logs tail`
        said = command.run(
            env, "logs", "filter-log-events", "--log-group-name", GROUP, "--log-stream-name-prefix", name
        )
    else:
        said = command.run(env, "logs", "tail", GROUP, "--log-stream-name-prefix", name, "--since", "2h")
    assert "metric step=" in said
