"""`make demo`: from nothing to two trained nodes, one spot interruption, and the proof that it changed nothing.

It walks the way a person walks: the real CDK command deploys the real templates, `yard` does the rest.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yard import runs, upload
from yard.aws import Aws, use_embedded_cloud
from yard.errors import UserError, guard
from yard.logs import Tail
from yard.output import say
from yard.project import Project, find_project

JOB = "mnist-ddp"
LAUNCH: Mapping[str, Any] = {
    "instance_count": 2,
    "hyperparameters": {"epochs": 2, "width": 64, "checkpoint_steps": 5, "log_steps": 2},
}
INTERRUPT_AT_STEP = 12
_POLL_SECONDS = 0.25


@dataclass
class Stage:
    """Says what begins, and afterwards how long it took."""

    title: str

    def __enter__(self) -> None:
        self.began = time.monotonic()
        print(f"\n== {self.title}", flush=True)

    def __exit__(self, *_: object) -> None:
        print(f"   {time.monotonic() - self.began:.1f} s", flush=True)


def main() -> None:
    """Run the demo, or with --clean take away what it made."""
    run = clean if "--clean" in sys.argv[1:] else demo
    sys.exit(guard(run, debug="--debug" in sys.argv))


def demo() -> None:
    """Deploy, train undisturbed, train interrupted, compare."""
    began = time.monotonic()
    project = find_project()
    with Stage("Starting the embedded cloud"):
        _start_cloud(project)
    with Stage("Bootstrapping and deploying with the CDK command"):
        _deploy(project)
    aws = Aws(project)
    with Stage("Making the image's environment (once, then it is kept)"):
        from yard.images import push_image

        image = push_image(aws, "pytorch")
        print(f"   {image['repository']}:{image['tag']}")
    with Stage("Uploading the digits"):
        _upload_digits(aws)
    with Stage(f"Training {JOB} on two nodes, undisturbed"):
        plain = _train(aws, interrupt=False)
    with Stage(f"Training {JOB} again, with a spot interruption"):
        disturbed = _train(aws, interrupt=True)
    with Stage("Comparing the two"):
        _compare(aws, plain, disturbed)
    _tell(aws, disturbed, time.monotonic() - began)


def clean() -> None:
    """Stop the cloud and remove all that the demo made; the image's environment is kept for the next time."""
    from yard.cloud import lifecycle

    project = find_project()
    lifecycle.down(project.root / ".yard/cloud")
    shutil.rmtree(project.root / ".yard", ignore_errors=True)
    shutil.rmtree(project.root / "cdk.out", ignore_errors=True)
    say("The demo's cloud, its state and its synthesised templates are gone.")


def _start_cloud(project: Project) -> None:
    from yard.cloud import lifecycle

    state = lifecycle.up(project.root / ".yard/cloud")
    use_embedded_cloud(project)
    print(f"   {state.endpoint}, log: {state.log}")


def _deploy(project: Project) -> None:
    account = "123456789012"
    region = os.environ["AWS_REGION"]
    environment = {**os.environ, "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": _node_major()}
    for command in (
        ["npx", "cdk", "bootstrap", f"aws://{account}/{region}"],
        ["npx", "cdk", "deploy", "--all", "--require-approval", "never", "--concurrency", "4"],
    ):
        log = project.root / ".yard" / f"{command[2]}.log"
        print(f"   {' '.join(command)}  (log: {log.relative_to(project.root)})", flush=True)
        with log.open("w") as output:
            done = subprocess.run(command, cwd=project.root, env=environment, stdout=output, stderr=output, check=False)
        if done.returncode:
            end = "\n".join(log.read_text().splitlines()[-15:])
            raise UserError(f"{' '.join(command)} failed:\n{end}", f"The whole log: {log}")


def _node_major() -> str:
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    return said.strip().lstrip("v").split(".")[0]


def _upload_digits(aws: Aws) -> None:
    folder = aws.project.root / ".yard/demo/digits"
    if not folder.exists():
        _make_digits(aws, folder)
    bucket, s3 = aws.data_bucket(), aws.client("s3")
    for name, channel in aws.project.job(JOB).channels.items():
        items = upload.plan(folder / name, str(channel.s3))
        wanted = upload.missing(s3, bucket, items, upload.list_objects(s3, bucket, str(channel.s3)))
        upload.send(s3, bucket, wanted, on_file=lambda item: None)
        print(f"   {name}: {len(items)} files in s3://{bucket}/{channel.s3}, {len(wanted)} of them new")


def _make_digits(aws: Aws, folder: Path) -> None:
    """In the image's environment: scikit-learn, which carries the digits, is installed there."""
    from yard.cloud.training import environment

    python = environment.ensure(aws.project.root / "containers/pytorch/requirements.txt") / "bin/python"
    subprocess.run(
        [str(python), "-m", "training.pytorch.make_digits", str(folder), "--shards", "4"],
        cwd=aws.project.root,
        check=True,
    )


def _train(aws: Aws, *, interrupt: bool) -> runs.Run:
    run = runs.start(aws, JOB, {**LAUNCH, "run_id": runs.new_run_id()})
    tail, step, interrupted = Tail(aws, run.run_id), 0.0, False
    while run.status == "RUNNING":
        time.sleep(_POLL_SECONDS)
        names = [attempt["TrainingJobName"] for attempt in runs.attempts(aws, run)]
        for line in tail.lines(names):
            metrics = line.metrics()
            if line.host == "algo-1" and metrics:
                step = metrics.get("step", step)
                print(f"   {line.text}", flush=True)
        if interrupt and not interrupted and step >= INTERRUPT_AT_STEP:
            interrupted = True
            _interrupt(aws, names[-1])
        run, _ = runs.refresh(aws, run)
    if run.status != "SUCCEEDED":
        _, execution = runs.refresh(aws, run)
        raise UserError(
            f"The run {run.run_id} ended {run.status}: {execution.get('cause', '')}", f"yard logs {run.run_id}"
        )
    if interrupt and not interrupted:
        raise UserError(f"The run {run.run_id} was over before step {INTERRUPT_AT_STEP}, so nothing was interrupted.")
    return run


def _interrupt(aws: Aws, job: str) -> None:
    from yard.cloud import lifecycle

    state = lifecycle.status(aws.project.root / ".yard/cloud")
    if state is None:
        raise UserError("The embedded cloud is gone.", "See .yard/cloud/cloud.log")
    print(f"   -- taking the spot capacity of {job} away", flush=True)
    lifecycle.admin(state, "interrupt", {"job": job})


def _compare(aws: Aws, plain: runs.Run, disturbed: runs.Run) -> None:
    first, second = (_model_digest(aws, run) for run in (plain, disturbed))
    if first != second:
        raise UserError(
            f"The interrupted run's model differs from the undisturbed one's: {second} instead of {first}.",
            f"Compare their logs: yard logs {plain.run_id}; yard logs {disturbed.run_id}",
        )
    print(f"   both models have the same weights, bit for bit: {first}")


def _model_digest(aws: Aws, run: runs.Run) -> str:
    """The digest that training writes beside the weights: archives differ by their times, weights must not."""
    import tarfile
    import tempfile

    from yard.commands.results import model_place

    bucket, key = model_place(aws, run)
    with tempfile.TemporaryFile() as archive:
        aws.client("s3").download_fileobj(bucket, key, archive)
        archive.seek(0)
        with tarfile.open(fileobj=archive) as packed:
            for member in packed.getmembers():
                if member.name.endswith("model.json"):
                    content = packed.extractfile(member)
                    assert content is not None
                    return str(json.load(content)["weights_sha256"])
    raise UserError(f"s3://{bucket}/{key} holds no model.json with the weights' digest.")


def _tell(aws: Aws, run: runs.Run, seconds: float) -> None:
    from shardyard.spec.receipt_text import text

    receipt = runs.receipt(aws, run.run_id)
    print("\n== Receipt of the interrupted run")
    print(text(receipt))
    epochs, accuracy = LAUNCH["hyperparameters"]["epochs"], receipt["metrics"]["accuracy"]
    print(f"\n{accuracy:.1%} of the test digits are read rightly after {epochs} epochs.")
    print("What it costs is what AWS would have billed; here it cost nothing.")
    print(f"\nAll of it took {seconds:.0f} s. Where to look next:")
    for command in (
        "history",
        f"logs {run.run_id}",
        f"receipt {run.run_id}",
        f"model get {run.run_id}",
        "cloud outbox",
    ):
        print(f"  .venv/bin/yard --embedded {command}")
    print("  make demo-clean     takes all of it away")


if __name__ == "__main__":
    main()
