"""The AWS command, unmodified, against the embedded cloud: the newest that is installed here."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from embedded import lifecycle
from tests.cloud.conftest import Cloud
from tests.support.cloud import aws_command
from tests.support.cloud.aws_command import AwsCommand
from tests.support.cloud.yard_command import heed_ctrl_c
from tests.support.clouds.training_cloud import LOG_GROUP, TrainingCloud, channel, training_cloud, wait_until

COUNTS = """
    import time
    for step in range(20):
        print(f"metric step={step} \\u00fc", flush=True)
        time.sleep(0.5)
"""
MACHINE = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": {"x": 1}, "End": True}}}
TRUST = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
TEMPLATE = """
Parameters: {Value: {Type: String, Default: a}}
Resources: {P: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !Ref Value}}}
Outputs: {Name: {Value: !Ref P}}
"""


@pytest.fixture
def command() -> AwsCommand:
    """The newest on the PATH."""
    if not aws_command.installed():
        pytest.skip("no AWS command is on the PATH")
    return aws_command.installed()[0]


@pytest.fixture
def version_2(command: AwsCommand) -> AwsCommand:
    """The newest on the PATH, if it has `aws logs tail`."""
    if command.version[0] < 2:
        pytest.skip(f"`aws logs tail` came with version 2 of the AWS command; on the PATH is {command}")
    return command


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainingCloud]:
    with training_cloud(tmp_path_factory.mktemp("training")) as running:
        running.put("data/a.csv", "1")
        yield running


def environment(training: TrainingCloud) -> dict[str, str]:
    """What `yard cloud env` would print for it, beside what every command needs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | lifecycle.variables(training.state, training.folder)


def ask(command: AwsCommand, env: Mapping[str, str], *arguments: str) -> Any:
    """The JSON that it answers."""
    return json.loads(command.run(env, *arguments, "--output", "json"))


def test_s3(command: AwsCommand, cloud: Cloud, tmp_path: Path) -> None:
    bucket = "s3://aws-cli"
    up, down = tmp_path / "up", tmp_path / "down"
    (up / "sub").mkdir(parents=True)
    (up / "a.txt").write_text("a")
    (up / "sub/b.bin").write_bytes(bytes(9_000_000))  # above the size from which parts are sent
    (up / "sub/\u00fc +%&.txt").write_text("c")
    command.run(cloud.env, "s3", "mb", bucket)
    command.run(cloud.env, "s3", "sync", str(up), f"{bucket}/all/")
    assert "upload" not in command.run(cloud.env, "s3", "sync", str(up), f"{bucket}/all/")
    assert "Total Objects: 3" in command.run(cloud.env, "s3", "ls", bucket, "--recursive", "--summarize")
    command.run(cloud.env, "s3", "mv", f"{bucket}/all/sub/b.bin", f"{bucket}/all/c.bin")
    command.run(cloud.env, "s3", "sync", f"{bucket}/all/", str(down))
    assert (down / "c.bin").stat().st_size == 9_000_000
    assert (down / "sub/\u00fc +%&.txt").read_text() == "c"
    assert command.run(cloud.env, "s3", "cp", f"{bucket}/all/a.txt", "-") == "a"
    command.run(cloud.env, "s3", "rb", bucket, "--force")


def test_cloudformation_deploy(command: AwsCommand, cloud: Cloud, tmp_path: Path) -> None:
    template, stack = tmp_path / "t.yaml", "aws-cli"
    template.write_text(TEMPLATE)
    arguments = ("cloudformation", "deploy", "--stack-name", stack, "--template-file", str(template))
    assert "Successfully created/updated stack" in command.run(cloud.env, *arguments)
    assert "No changes to deploy" in command.run(cloud.env, *arguments, "--no-fail-on-empty-changeset")
    # the command names a change set by the second, and the last one may still be there
    last = int(time.time())
    wait_until(lambda: int(time.time()) > last, 5, "the next second")
    command.run(cloud.env, *arguments, "--parameter-overrides", "Value=b")
    outputs = ask(command, cloud.env, "cloudformation", "describe-stacks", "--stack-name", stack)["Stacks"][0][
        "Outputs"
    ]
    name = outputs[0]["OutputValue"]
    assert ask(command, cloud.env, "ssm", "get-parameter", "--name", name)["Parameter"]["Value"] == "b"
    command.run(cloud.env, "cloudformation", "delete-stack", "--stack-name", stack)
    command.run(cloud.env, "cloudformation", "wait", "stack-delete-complete", "--stack-name", stack)


def test_step_functions(command: AwsCommand, cloud: Cloud) -> None:
    env, name = cloud.env, "aws-cli"
    trust = json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
    role = cloud.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    made = ("create-state-machine", "--name", name, "--role-arn", role, "--definition", json.dumps(MACHINE))
    machine = ask(command, env, "stepfunctions", *made)["stateMachineArn"]
    listed = ask(command, env, "stepfunctions", "list-state-machines")["stateMachines"]
    assert machine in [one["stateMachineArn"] for one in listed]
    run = ask(command, env, "stepfunctions", "start-execution", "--state-machine-arn", machine, "--input", "{}")
    described = ("stepfunctions", "describe-execution", "--execution-arn", run["executionArn"])
    wait_until(lambda: ask(command, env, *described)["status"] == "SUCCEEDED", 20, "the end of the execution")
    assert json.loads(ask(command, env, *described)["output"]) == {"x": 1}
    history = ask(command, env, "stepfunctions", "get-execution-history", "--execution-arn", run["executionArn"])
    assert history["events"][-1]["type"] == "ExecutionSucceeded"


def test_sagemaker(command: AwsCommand, training: TrainingCloud, tmp_path: Path) -> None:
    env, name = environment(training), "by-command"
    request = training.request(name, training.image("quick", "print('done')"), InputDataConfig=[channel("a", "data/")])
    (tmp_path / "request.json").write_text(json.dumps(request))
    given = ("--cli-input-json", f"file://{tmp_path}/request.json", "--tags", "Key=team,Value=x")
    arn = ask(command, env, "sagemaker", "create-training-job", *given)["TrainingJobArn"]
    training.finished(name)
    described = ("sagemaker", "describe-training-job", "--training-job-name", name)
    assert ask(command, env, *described)["TrainingJobStatus"] == "Completed"
    assert command.run(env, *described, "--query", "SecondaryStatus", "--output", "text") == "Completed\n"
    assert ask(command, env, "sagemaker", "list-tags", "--resource-arn", arn)["Tags"] == [{"Key": "team", "Value": "x"}]
    ended = ask(command, env, "sagemaker", "list-training-jobs", "--status-equals", "Completed")
    assert name in [one["TrainingJobName"] for one in ended["TrainingJobSummaries"]]
    command.run(env, "sagemaker", "wait", "training-job-completed-or-stopped", "--training-job-name", name)


def test_logs_tail_follows_a_job_while_it_runs(version_2: AwsCommand, training: TrainingCloud) -> None:
    training.create("follow", training.image("counts", COUNTS))
    training.wait_for_line("follow", "metric step=0 \u00fc")
    arguments = ("logs", "tail", LOG_GROUP, "--follow", "--since", "5m", "--log-stream-name-prefix", "follow/")
    env = environment(training) | {"PYTHONUNBUFFERED": "1"}
    line = version_2.line(env, *arguments)
    tail = subprocess.Popen(line, env=env, stdout=subprocess.PIPE, text=True, preexec_fn=heed_ctrl_c)
    assert tail.stdout is not None
    lines: list[tuple[bool, str]] = []

    def read() -> None:
        for line in tail.stdout or ():
            lines.append((training.describe("follow")["TrainingJobStatus"] == "InProgress", line))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        wait_until(lambda: any("step=19 \u00fc" in line for _, line in lines), 40, "the last line")
    finally:
        tail.send_signal(signal.SIGINT)
        tail.wait(20)
    steps = [int(line.partition("step=")[2].split()[0]) for _, line in lines]
    assert steps == list(range(20))
    assert lines[0][0], "the first lines came only when the job had ended"


def test_logs_tail_of_a_job_that_has_ended(version_2: AwsCommand, training: TrainingCloud) -> None:
    name = f"ended-{int(time.time())}"
    training.run(name, training.image("quick", "print('done')"))
    said = version_2.run(environment(training), "logs", "tail", LOG_GROUP, "--since", "5m", "--format", "short")
    assert said.rstrip().endswith("done")
