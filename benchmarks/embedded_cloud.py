"""The embedded cloud: how fast it starts, deploys the default app with the real command and destroys it,
how much memory it takes, whether it leaks when a small stack is created, updated and deleted repeatedly, how fast a
large object goes up and comes down beside a copy of its file, and how soon a cloud is back with all that it kept."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import boto3

from benchmarks._report import Figure, report
from embedded import lifecycle
from embedded.inventory import left_behind
from tests.support.clouds.training_cloud import descendants

ROOT = Path(__file__).parent.parent
ROUNDS = int(os.environ.get("BENCH_CLOUD_ROUNDS", "100"))
STACK = "rounds"
OBJECT_MB = int(os.environ.get("BENCH_CLOUD_OBJECT_MB", "2048"))
TURNS = 3


def main() -> int:
    """Measure in a fresh cloud and report."""
    with tempfile.TemporaryDirectory() as folder:
        cloud = Path(folder) / "cloud"
        running = lifecycle.up(cloud)
        try:
            figures = [
                Figure(name="up", value=running.seconds, unit="s", at_most=5),
                Figure(name="memory when idle", value=memory(running), unit="MB", at_most=500),
                *whole_app(running, cloud, Path(folder) / "cdk.out"),
                *rounds(running),
                *large_object(running, Path(folder)),
                *back_again(running, cloud),
            ]
        finally:
            lifecycle.down(cloud)
    return report(
        "embedded_cloud",
        figures,
        notes=f"{ROUNDS} rounds of a stack of five resources; an object of {OBJECT_MB} MB, by boto3 in parts of 8 MB "
        f"and by curl in one request, the median of {TURNS} turns with copies, each until it is on the disk",
    )


def memory(running: lifecycle.CloudState) -> float:
    """The process's memory in megabytes."""
    return float(lifecycle.admin(running, "status", {})["memory_mb"])


def processes(running: lifecycle.CloudState) -> int:
    """The processes below the cloud's own, and its threads; request threads come and go, two may be on their way."""
    return len(descendants(running.pid)) + len(list(Path(f"/proc/{running.pid}/task").iterdir()))


def inventory(running: lifecycle.CloudState) -> dict[str, list[str]]:
    """The cloud's inventory."""
    found: dict[str, list[str]] = lifecycle.admin(running, "inventory", {})["inventory"]
    return found


def whole_app(running: lifecycle.CloudState, cloud: Path, assembly: Path) -> list[Figure]:
    """Bootstrap, deploy, deploy again and destroy the default app with the real command."""
    environment = whole_environment(running, cloud)
    first = cdk(environment, "bootstrap", "aws://123456789012/us-east-1")
    before = inventory(running)
    app = ("--all", "--app", f"{sys.executable} app.py", "--output", str(assembly))
    deployed = cdk(environment, "deploy", *app, "--require-approval", "never")
    again = cdk(environment, "deploy", *app, "--require-approval", "never")
    gone = cdk(environment, "destroy", *app, "--force")
    left = sum(len(names) for names in left_behind(before, inventory(running)).values())
    return [
        Figure(name="bootstrap and deploy of the default app", value=first + deployed, unit="s", at_most=60),
        Figure(name="deploy of the default app without changes", value=again, unit="s", at_most=15),
        Figure(name="destroy of the default app", value=gone, unit="s", at_most=30),
        Figure(name="left behind by destroy", value=left, unit="things", at_most=0),
        Figure(name="memory after the default app", value=memory(running), unit="MB", at_most=500),
    ]


def whole_environment(running: lifecycle.CloudState, cloud: Path) -> dict[str, str]:
    """The environment of the real command, pointed at the cloud."""
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    quiet = {"CDK_VALIDATION": "false", "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": node.split(".")[0].strip()}
    return kept | lifecycle.variables(running, cloud) | quiet


def cdk(environment: Mapping[str, str], *arguments: str) -> float:
    """Run the command; returns its seconds."""
    began = time.monotonic()
    done = subprocess.run(["npx", "cdk", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return time.monotonic() - began


def template(value: str) -> str:
    """A few resources that are cheap and different."""
    allowed = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    trust = {"Version": "2012-10-17", "Statement": [allowed]}
    resources: dict[str, Any] = {
        "Box": {"Type": "AWS::S3::Bucket", "Properties": {"VersioningConfiguration": {"Status": "Enabled"}}},
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 7}},
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}},
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": value}},
        "Value": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}},
    }
    return json.dumps({"Resources": resources})


def one_round(api: Any) -> float:
    """Create, update, delete; returns the seconds."""
    began = time.monotonic()
    for verb, value, wanted in (
        (api.create_stack, "one", "CREATE_COMPLETE"),
        (api.update_stack, "two", "UPDATE_COMPLETE"),
    ):
        arn = verb(StackName=STACK, TemplateBody=template(value), Capabilities=["CAPABILITY_IAM"])["StackId"]
        expect(api, arn, wanted)
    api.delete_stack(StackName=STACK)
    expect(api, arn, "DELETE_COMPLETE")
    return time.monotonic() - began


def expect(api: Any, arn: str, wanted: str) -> None:
    """Wait until nothing runs, and check that it ended well."""
    status = "_IN_PROGRESS"
    while status.endswith("_IN_PROGRESS"):
        status = str(api.describe_stacks(StackName=arn)["Stacks"][0]["StackStatus"])
    if status != wanted:
        raise SystemExit(f"the stack is {status}, not {wanted}")


def rounds(running: lifecycle.CloudState) -> list[Figure]:
    """What remains after this many rounds and a warm-up: by design only the history of deleted stacks."""
    api = boto3.client(
        "cloudformation",
        endpoint_url=running.endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key=running.secret,
    )
    for _ in range(3):
        one_round(api)
    before, memory_before, processes_before = inventory(running), memory(running), processes(running)
    seconds = [one_round(api) for _ in range(ROUNDS)]
    left = sum(len(names) for names in left_behind(before, inventory(running)).values())
    return [
        Figure(name="a round of a small stack", value=statistics.median(seconds), unit="s"),
        Figure(
            name="processes and threads that the rounds keep",
            value=processes(running) - processes_before,
            unit="processes",
            at_most=2,
        ),
        Figure(name="left behind by the rounds", value=left, unit="things", at_most=0),
        Figure(name="memory that the rounds keep", value=memory(running) - memory_before, unit="MB", at_most=20),
    ]


def large_object(running: lifecycle.CloudState, folder: Path) -> list[Figure]:
    """An object that must not pass through memory, in turns with a copy of its file: both end on the same disk."""
    source, target = folder / "large", folder / "target"
    with source.open("wb") as file:
        for _ in range(OBJECT_MB // 64):
            file.write(os.urandom(64 * 2**20))
    s3 = boto3.client(
        "s3",
        endpoint_url=running.endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key=running.secret,
    )
    s3.create_bucket(Bucket="large")
    before = memory(running)
    most: list[float] = []
    up = seconds(lambda: s3.upload_file(str(source), "large", "object"), source)
    link = s3.generate_presigned_url("get_object", Params={"Bucket": "large", "Key": "object"})
    ways: dict[str, Callable[[], object]] = {
        "copy": lambda: copy(source, target),
        "boto3": lambda: s3.download_file("large", "object", str(target)),
        "curl": lambda: subprocess.run(["curl", "--silent", "--output", str(target), link], check=True),
    }
    took: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(TURNS):
        for name, way in ways.items():
            took[name].append(seconds(way, target))
            most.append(memory(running))
            target.unlink()
    source.unlink()
    medians = {name: statistics.median(times) for name, times in took.items()}
    return [
        Figure(name="upload of a large object", value=OBJECT_MB / up, unit="MB/s"),
        Figure(name="copy of its file", value=OBJECT_MB / medians["copy"], unit="MB/s"),
        Figure(
            name="its download by boto3 / copy", value=medians["copy"] / medians["boto3"], unit="ratio", at_least=0.5
        ),
        Figure(
            name="its download in one request / copy",
            value=medians["copy"] / medians["curl"],
            unit="ratio",
            at_least=0.5,
        ),
        Figure(name="memory that it takes", value=max(most) - before, unit="MB", at_most=50),
    ]


def seconds(way: Callable[[], object], written: Path) -> float:
    """How long something takes until the file is on the disk."""
    began = time.monotonic()
    way()
    with written.open("rb") as file:
        os.fsync(file.fileno())
    return time.monotonic() - began


def copy(source: Path, target: Path) -> None:
    """A copy that reads and writes every byte, whatever the file system could do instead."""
    with source.open("rb") as readable, target.open("wb") as writable:
        shutil.copyfileobj(readable, writable, 2**20)


def back_again(running: lifecycle.CloudState, cloud: Path) -> list[Figure]:
    """Down and up, with everything that is in it by now."""
    lifecycle.down(cloud)
    again = lifecycle.up(cloud)
    if again.port != running.port or not again.notes:
        raise SystemExit("the cloud did not find again what it had kept")
    kept = (cloud / "kept").stat().st_size / 1e6
    return [
        Figure(name="up with what was kept", value=again.seconds, unit="s", at_most=5),
        Figure(name="its snapshot", value=kept, unit="MB"),
    ]


if __name__ == "__main__":
    sys.exit(main())
