"""What a cloud finds again: after `down`, after `kill -9`, and of what ran meanwhile."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from embedded import lifecycle
from embedded.process import snapshot
from tests.cloud.conftest import Cloud, start
from tests.support.cloud.in_process import policy, zipped
from tests.support.clouds.training_cloud import TrainingCloud, wait_until

TOPIC = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
SLOW = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 600, "End": True}}}
TRUST = {"Effect": "Allow", "Principal": {"Service": ["lambda.amazonaws.com", "states.amazonaws.com"]}}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    lifecycle.down(tmp_path)


def kill(cloud: Cloud) -> None:
    os.kill(cloud.state.pid, signal.SIGKILL)
    os.waitpid(cloud.state.pid, 0)


def wait_for_snapshot(folder: Path, of: bytes) -> None:
    """Wait until what has just been made is kept."""
    wait_until(
        lambda: (folder / snapshot.FILE).exists() and of in (folder / snapshot.FILE).read_bytes(),
        20,
        "a snapshot",
    )


def fill(cloud: Cloud) -> dict[str, Any]:
    """Make one thing of many kinds; returns what they can be told by."""
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="kept-bucket")
    s3.put_bucket_versioning(Bucket="kept-bucket", VersioningConfiguration={"Status": "Enabled"})
    versions = [s3.put_object(Bucket="kept-bucket", Key="k", Body=text)["VersionId"] for text in (b"one", b"two")]
    cloud.client("ssm").put_parameter(Name="/kept", Value="value", Type="String")
    cloud.client("secretsmanager").create_secret(Name="kept", SecretString="secret")
    kms = cloud.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    pair = kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    queue = cloud.client("sqs").create_queue(QueueName="kept")["QueueUrl"]
    cloud.client("sqs").send_message(QueueUrl=queue, MessageBody="a message")
    role = cloud.client("iam").create_role(
        RoleName="kept", AssumeRolePolicyDocument=policy({**TRUST, "Action": "sts:AssumeRole"})
    )["Role"]["Arn"]
    code = zipped({"m.py": "def handler(event, context):\n    return 'kept'\n"})
    cloud.client("lambda").create_function(
        FunctionName="kept", Runtime="python3.13", Handler="m.handler", Role=role, Code={"ZipFile": code}
    )
    machine = cloud.client("stepfunctions").create_state_machine(
        name="kept", definition=json.dumps(SLOW), roleArn=role
    )["stateMachineArn"]
    execution = cloud.client("stepfunctions").start_execution(stateMachineArn=machine)["executionArn"]
    cloud.client("cloudformation").create_stack(StackName="kept", TemplateBody=TOPIC)
    cloud.client("cloudformation").get_waiter("stack_create_complete").wait(StackName="kept")
    cloud.admin("enforce-iam", on=True)
    encrypted = kms.encrypt(KeyId=key, Plaintext=b"plain")["CiphertextBlob"]
    return {
        "versions": versions,
        "encrypted": encrypted,
        "pair": (pair, kms.get_public_key(KeyId=pair)["PublicKey"]),
        "queue": queue,
        "execution": execution,
        "topic": cloud.client("sns").list_topics()["Topics"],
        "stack": cloud.client("cloudformation").describe_stacks()["Stacks"],
        "users": cloud.client("sts", account="111111111111").get_caller_identity()["Arn"],
    }


def check(cloud: Cloud, made: dict[str, Any]) -> None:
    """All of it is there, and works."""
    s3 = cloud.client("s3")
    read = [
        s3.get_object(Bucket="kept-bucket", Key="k", VersionId=version)["Body"].read() for version in made["versions"]
    ]
    assert read == [b"one", b"two"]
    assert s3.get_bucket_location(Bucket="kept-bucket")
    assert cloud.client("ssm").get_parameter(Name="/kept")["Parameter"]["Value"] == "value"
    assert cloud.client("secretsmanager").get_secret_value(SecretId="kept")["SecretString"] == "secret"
    kms = cloud.client("kms")
    assert kms.decrypt(CiphertextBlob=made["encrypted"])["Plaintext"] == b"plain"
    assert kms.get_public_key(KeyId=made["pair"][0])["PublicKey"] == made["pair"][1]
    received = cloud.client("sqs").receive_message(QueueUrl=made["queue"], VisibilityTimeout=0)["Messages"]
    assert [message["Body"] for message in received] == ["a message"]
    assert cloud.client("lambda").invoke(FunctionName="kept")["Payload"].read() == b'"kept"'
    assert cloud.client("sns").list_topics()["Topics"] == made["topic"]
    assert cloud.client("cloudformation").describe_stacks()["Stacks"] == made["stack"]
    ended = cloud.client("stepfunctions").describe_execution(executionArn=made["execution"])
    assert (ended["status"], ended["cause"]) == ("FAILED", "The embedded cloud ended during this execution.")
    assert cloud.admin("status")["iam_enforced"] is True


def test_down_and_up_again_find_everything_on_the_same_port(folder: Path) -> None:
    first = start(folder)
    made = fill(first)
    lifecycle.down(folder)
    again = start(folder)
    assert again.endpoint == first.endpoint
    assert again.state.secret == first.state.secret
    [note] = again.state.notes
    assert note.startswith("What was kept at ")
    check(again, made)
    # and what was found again can be changed, and taken away
    again.client("cloudformation").update_stack(StackName="kept", TemplateBody=TOPIC.replace("Topic", "Other", 1))
    again.client("cloudformation").get_waiter("stack_update_complete").wait(StackName="kept")
    for version in made["versions"]:
        again.client("s3").delete_object(Bucket="kept-bucket", Key="k", VersionId=version)
    again.client("s3").delete_bucket(Bucket="kept-bucket")


def test_a_killed_cloud_is_found_again_up_to_its_last_quiet_moment(folder: Path) -> None:
    first = start(folder)
    made = fill(first)
    s3 = first.client("s3")
    s3.create_bucket(Bucket="overwritten")
    before = set((folder / "objects").iterdir())
    s3.put_object(Bucket="overwritten", Key="k", Body=b"kept")
    [file] = set((folder / "objects").iterdir()) - before
    wait_for_snapshot(folder, file.name.encode())
    s3.put_object(Bucket="overwritten", Key="k", Body=b"lost with the last second")
    kill(first)
    again = start(folder)
    assert again.endpoint == first.endpoint
    assert f"(process {first.state.pid}) ended without `yard cloud down`" in again.state.notes[0]
    check(again, made)
    # the file that the last snapshot names was not removed before the next one
    found = again.client("s3").get_object(Bucket="overwritten", Key="k")["Body"].read()
    assert found in (b"kept", b"lost with the last second")
    assert len(list((folder / "objects").iterdir())) == 3


def test_what_was_deleted_does_not_come_back_after_a_kill(folder: Path) -> None:
    """Up to the snapshot that the journal belongs to; the bucket's first object has one taken."""
    first = start(folder)
    s3 = first.client("s3")
    s3.create_bucket(Bucket="emptied")
    for key in ("first", "kept", "one", "two & a half", "alone"):
        s3.put_object(Bucket="emptied", Key=key, Body=b"x")
    names = [{"Key": key} for key in ("one", "two & a half", "never there")]
    assert "Errors" not in s3.delete_objects(Bucket="emptied", Delete={"Objects": names})
    s3.delete_object(Bucket="emptied", Key="alone")
    kill(first)
    left = start(folder).client("s3").list_objects_v2(Bucket="emptied")["Contents"]
    assert [one["Key"] for one in left] == ["first", "kept"]


def test_a_job_that_ran_has_failed_by_an_internal_error(tmp_path: Path) -> None:
    cloud = TrainingCloud(tmp_path / "cloud")
    try:
        cloud.create("long", cloud.image("long", "import time; print('ready', flush=True); time.sleep(600)"))
        cloud.wait_for_line("long", "ready")
    finally:
        cloud.stop()
    again = lifecycle.up(cloud.folder)
    try:
        client = boto3.client(
            "sagemaker",
            endpoint_url=again.endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key=again.secret,
        )
        said = client.describe_training_job(TrainingJobName="long")
        assert said["TrainingJobStatus"] == said["SecondaryStatus"] == "Failed"
        assert said["FailureReason"] == "InternalServerError: We encountered an internal error. Please try again."
        client.delete_training_job(TrainingJobName="long")
    finally:
        lifecycle.down(cloud.folder)


def test_fresh_and_reset_forget(folder: Path) -> None:
    first = start(folder)
    first.client("s3").create_bucket(Bucket="forgotten")
    first.client("s3").put_object(Bucket="forgotten", Key="k", Body=b"x")
    lifecycle.down(folder)
    assert len(list((folder / "objects").iterdir())) == 1
    again = Cloud(state=lifecycle.up(folder, fresh=True), folder=folder)
    assert again.endpoint == first.endpoint
    assert again.state.notes == ()
    assert again.client("s3").list_buckets()["Buckets"] == []
    assert not (folder / "objects").exists()


def test_what_was_kept_is_the_owners_alone_and_tells_its_time(folder: Path) -> None:
    running = start(folder)
    assert lifecycle.last_kept(folder) is None
    running.client("s3").create_bucket(Bucket="kept")
    wait_for_snapshot(folder, b"kept")
    wait_until(lambda: running.admin("status")["kept"] == lifecycle.last_kept(folder), 10, "the time in the status")
    lifecycle.down(folder)
    assert lifecycle.last_kept(folder) is not None
    assert (folder / snapshot.FILE).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            snapshot.Header(code="another", time="2026-01-02 03:04:05").line(),
            "was kept at 2026-01-02 03:04:05 by another",
        ),
        (b"no header\n", "is damaged"),
        (b"{}\n", "is damaged"),
    ],
)
def test_state_that_cannot_be_read_is_said_and_not_touched(folder: Path, line: bytes, said: str) -> None:
    (folder / snapshot.FILE).write_bytes(line)
    with pytest.raises(lifecycle.CloudError, match=said) as caught:
        lifecycle.up(folder)
    assert "yard cloud up --fresh" in str(caught.value)
    assert (folder / snapshot.FILE).read_bytes() == line
    assert lifecycle.up(folder, fresh=True).port


def test_the_last_port_taken_by_another_program_is_said(folder: Path) -> None:
    first = start(folder)
    lifecycle.down(folder)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", first.state.port))
        taken.listen()
        again = lifecycle.up(folder)
    assert again.port != first.state.port
    assert str(first.state.port) in again.notes[-1]


def test_a_process_that_does_not_answer_is_said_and_stopped(folder: Path) -> None:
    """With its state file gone, it cannot be asked; it lives all the same."""
    running = start(folder)
    (folder / "state.json").unlink()
    assert lifecycle.holder(folder) == running.state.pid
    for call in (lifecycle.up, lifecycle.env):
        with pytest.raises(lifecycle.CloudError, match=f"process {running.state.pid} lives but does not answer"):
            call(folder)
    assert lifecycle.down(folder)
    assert lifecycle.holder(folder) is None


def test_a_server_whose_starter_died_ends(folder: Path) -> None:
    command = [sys.executable, "-m", "embedded.server", "--state", str(folder), "--log", "log", "--confirm"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log)
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(30) == 1
    assert lifecycle.status(folder) is None
