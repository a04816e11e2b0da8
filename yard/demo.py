"""`make demo`: from nothing to two trained nodes, one spot interruption, and the proof that it changed nothing.

It does what a person would do: the real CDK command deploys the real templates, `yard` does the rest.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shardyard.spec.units import format_duration
from yard.account.stages import Stage
from yard.aws import Aws, use_embedded_cloud
from yard.errors import UserError
from yard.main import guard
from yard.project import Project, find_project
from yard.runs import follow, runs
from yard.runs.logs import Line, Tail
from yard.runs.view import View
from yard.transfer import data_folder, upload
from yard.transfer.uploaded import Uploaded

JOB = "mnist-ddp"
LAUNCH: Mapping[str, Any] = {
    "instance_count": 2,
    "hyperparameters": {"epochs": 5, "width": 64, "checkpoint_steps": 5, "log_steps": 5},
}
INTERRUPT_AT_STEP = 25
_POLL_SECONDS = 0.25
_STACK = re.compile(r"✅\s+(.+)")


def main() -> None:
    """Run the demo, or with --clean remove what it made."""
    run = clean if "--clean" in sys.argv[1:] else demo
    sys.exit(guard(run, debug="--debug" in sys.argv))


def demo() -> None:
    """Deploy, train undisturbed, train interrupted, compare."""
    began = time.monotonic()
    project = find_project()
    with Stage("1 of 7  Starting the embedded cloud: an AWS on this machine") as stage:
        _start_cloud(project, stage)
    with Stage("2 of 7  Bootstrapping and deploying with the CDK command, as on AWS") as stage:
        _deploy(project, stage)
    aws = Aws(project)
    image_environment = _environment(project)
    with Stage("3 of 7  Making the training image's environment (downloads PyTorch once)", image_environment) as stage:
        from yard.images import push_image

        image = push_image(aws, "pytorch")
        stage.tell(f"image {image['repository']}:{image['tag']}")
    with Stage("4 of 7  Uploading 1797 handwritten digits, the job's data") as stage:
        _upload_digits(aws, stage)
    with Stage(f"5 of 7  Training {JOB} on two nodes, undisturbed") as stage:
        plain = _train(aws, stage, interrupt=False)
    with Stage(f"6 of 7  Training {JOB} again, with a spot interruption on the way") as stage:
        disturbed = _train(aws, stage, interrupt=True)
    with Stage("7 of 7  Comparing the two models") as stage:
        _compare(aws, plain, disturbed, stage)
    _tell(aws, disturbed, time.monotonic() - began)


def clean() -> None:
    """Stop the cloud and remove all that the demo made; print what is kept, and where."""
    from embedded import lifecycle

    project = find_project()
    lifecycle.down(project.root / lifecycle.DEFAULT_FOLDER)
    for name in (".yard", "cdk.out"):
        shutil.rmtree(project.root / name, ignore_errors=True)
    print("The demo's cloud, its processes, its data (.yard) and its templates (cdk.out) are gone.")
    kept = {
        "the packages of `make setup`; make clean removes them": (
            project.root / ".venv",
            project.root / "node_modules",
        ),
        "the image's environment, for the next time and for other clones": (_environment_folder(project),),
        "what the CDK unpacked of itself, for its next start": (Path.home() / ".cache/aws/jsii",),
    }
    found = [(path, why) for why, paths in kept.items() for path in paths if path.exists()]
    if found:
        print("Kept on purpose:")
    for path, why in found:
        print(f"  {path}  ({_size(path)}: {why})")


def _environment_folder(project: Project) -> Path:
    from embedded.nodes import image_environment

    return image_environment.environment_folder(project.root / "containers/pytorch/requirements.txt")


def _environment(project: Project) -> Any:
    """The environment's size so far, for a sign of life; nothing once it is complete."""
    folder = _environment_folder(project)
    return lambda: f", {_size(folder)} so far" if folder.exists() else ""


def _size(folder: Path) -> str:
    megabytes = sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes:.0f} MB"


def _start_cloud(project: Project, stage: Stage) -> None:
    from embedded import lifecycle

    state = lifecycle.up(project.root / lifecycle.DEFAULT_FOLDER, project=project.root)
    use_embedded_cloud(project)
    stage.tell(f"{state.endpoint}, log: {state.log.relative_to(project.root)}")


def _deploy(project: Project, stage: Stage) -> None:
    account, region = "123456789012", os.environ["AWS_REGION"]
    _cdk(project, stage, "bootstrap", f"aws://{account}/{region}")
    _cdk(project, stage, "deploy", "--all", "--require-approval", "never", "--concurrency", "4")


def _cdk(project: Project, stage: Stage, verb: str, *arguments: str) -> None:
    """Run the CDK command: its output goes to a log, and one line per finished stack to the screen."""
    command, log = ["npx", "cdk", verb, *arguments], project.root / f".yard/{verb}.log"
    stage.tell(f"{' '.join(command)}  (log: {log.relative_to(project.root)})")
    env = {**os.environ, "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": _node_major()}
    process = subprocess.Popen(
        command, cwd=project.root, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    with log.open("w") as output, process:
        for line in process.stdout:
            output.write(line)
            finished = _STACK.search(line)
            if finished is not None:
                stage.tell(f"  done: {finished[1].strip()}")
    if process.returncode:
        end = "\n".join(log.read_text().splitlines()[-15:])
        raise UserError(f"{' '.join(command)} failed:\n{end}", f"The whole log: {log}")


def _node_major() -> str:
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    return said.strip().lstrip("v").split(".")[0]


def _upload_digits(aws: Aws, stage: Stage) -> None:
    folder = aws.project.root / ".yard/demo/digits"
    if not folder.exists():
        _make_digits(aws, folder)
    bucket, s3 = aws.data_bucket(), aws.client("s3")
    for name, channel in aws.project.job(JOB).channels.items():
        prefix = str(channel.s3)
        uploaded = Uploaded.of(aws.project.root / ".yard", bucket, prefix)
        items = upload.plan(data_folder.read(folder / name, prefix), prefix)
        wanted = upload.missing(s3, bucket, items, upload.list_objects(s3, bucket, prefix), uploaded)
        upload.send(s3, bucket, wanted, uploaded, on_file=lambda item: None)
        stage.tell(f"{name}: {len(items)} files in s3://{bucket}/{channel.s3}, {len(wanted)} of them new")


def _make_digits(aws: Aws, folder: Path) -> None:
    """Write the digits with the image's environment, which has scikit-learn and its copy of them."""
    python = _environment_folder(aws.project) / "bin/python"
    command = [str(python), "-m", "training.pytorch.programs.make_digits", str(folder), "--shards", "4"]
    subprocess.run(command, cwd=aws.project.root, check=True, stdout=subprocess.DEVNULL)


def _train(aws: Aws, stage: Stage, *, interrupt: bool) -> runs.Run:
    """Launch the job as `yard train` does and print its phases and metrics; with `interrupt`, interrupt it."""
    run = runs.start(aws, JOB, {**LAUNCH, "run_id": runs.new_run_id()})
    stage.tell(f"run {run.run_id}")
    view, tail, phase = View(job=JOB, run_id=run.run_id, region=aws.region), Tail(aws, run.run_id), ""
    interrupted = False
    while run.status == "RUNNING":
        time.sleep(_POLL_SECONDS)
        run, names = follow.ask(aws, run, view)
        if view.phase != phase:
            phase = view.phase
            stage.tell(f"-- {phase}")
        for line in tail.lines(names):
            view.hear(line)
            _tell_line(line, stage)
        if interrupt and not interrupted and view.step >= INTERRUPT_AT_STEP:
            interrupted = True
            stage.tell("-- the spot capacity is taken away: SIGTERM, two minutes of grace, kill")
            _interrupt(aws, names[-1])
    if run.status != "SUCCEEDED":
        _, execution = runs.refresh(aws, run)
        said = f"The run {run.run_id} ended {run.status}: {execution.get('cause', '')}"
        raise UserError(said, f"Its logs: .venv/bin/yard --embedded logs {run.run_id}")
    if interrupt and not interrupted:
        raise UserError(f"The run {run.run_id} was over before step {INTERRUPT_AT_STEP}, so nothing was interrupted.")
    return run


def _tell_line(line: Line, stage: Stage) -> None:
    """Print a step's metrics on one short line, and the program's lines about starts and checkpoints."""
    found = line.metrics()
    if {"loss", "step", "total_steps", "samples_per_second"} <= found.keys():
        step = f"step {found['step']:.0f} of {found['total_steps']:.0f}"
        stage.tell(f"{line.host}  {step}  loss {found['loss']:.4f}  {found['samples_per_second']:,.0f} samples/s")
    elif {"accuracy", "epoch"} <= found.keys():
        stage.tell(
            f"{line.host}  epoch {found['epoch'] + 1:.0f}: {found['accuracy']:.1%} of the test digits recognised"
        )


def _interrupt(aws: Aws, job: str) -> None:
    from embedded import lifecycle

    state = lifecycle.status(aws.project.root / lifecycle.DEFAULT_FOLDER)
    if state is None:
        raise UserError("The embedded cloud is gone.", "See .yard/cloud/cloud.log")
    lifecycle.admin(state, "interrupt", {"job": job})


def _compare(aws: Aws, plain: runs.Run, disturbed: runs.Run, stage: Stage) -> None:
    first, second = (_model_digest(aws, run) for run in (plain, disturbed))
    if first != second:
        raise UserError(
            f"The interrupted run's model differs from the undisturbed one's: {second} instead of {first}.",
            f"Compare their logs: yard logs {plain.run_id}; yard logs {disturbed.run_id}",
        )
    stage.tell(f"the same weights, bit for bit: sha256 {first}")


def _model_digest(aws: Aws, run: runs.Run) -> str:
    """The digest that training writes beside the weights: archives differ in their timestamps, weights must not."""
    import tarfile
    import tempfile

    from yard.runs import artifacts

    model = artifacts.model(aws, run)
    with tempfile.TemporaryFile() as archive:
        aws.client("s3").download_fileobj(model.bucket, model.prefix, archive)
        archive.seek(0)
        with tarfile.open(fileobj=archive) as packed:
            for member in packed.getmembers():
                if member.name.endswith("model.json"):
                    content = packed.extractfile(member)
                    assert content is not None
                    return str(json.load(content)["weights_sha256"])
    raise UserError(f"{model.address} holds no model.json with the weights' digest.")


def _tell(aws: Aws, run: runs.Run, seconds: float) -> None:
    """Print the last screen: the receipt, its sum in a few lines, where to look next."""
    from shardyard.spec.receipt_text import text

    receipt = runs.receipt(aws, run.run_id)
    print(f"\n== The receipt, as in the e-mail\n{text(receipt)}")
    print(f"\n== In short, after {format_duration(seconds)}")
    for name, said in _summary(receipt, run).items():
        print(f"   {name:<12}{said}")
    print("\n== Where to look next")
    for command, what in {
        ".venv/bin/yard --embedded history": "both runs, and what each cost",
        f".venv/bin/yard --embedded logs {run.run_id}": "each node's logs",
        f".venv/bin/yard --embedded model get {run.run_id}": "the model",
        ".venv/bin/yard --embedded train gpt-ddp --dry-run": "another job: its plan and its worst case",
        ".venv/bin/yard cloud outbox": "the e-mails that would have been sent",
        "jobs/mnist-ddp.toml, docs/do/yard.md": "the job that ran; a day with the command",
        "make demo-clean": "remove all of it",
    }.items():
        print(f"   {command:<62}{what}")


def _summary(receipt: Mapping[str, Any], run: runs.Run) -> dict[str, str]:
    assert run.stopped is not None
    instances = ", ".join(f"{one['count']} x {one['type']}" for one in receipt["attempts"][-1]["instances"])
    took, billed = (run.stopped - run.started).total_seconds(), format_duration(receipt["billable_seconds"])
    epochs = LAUNCH["hyperparameters"]["epochs"]
    return {
        "accuracy": f"{receipt['metrics']['accuracy']:.1%} of the test digits, after {epochs} epochs",
        "time": f"{format_duration(took)} from launch to receipt; {billed} billed on each of {instances}",
        "on AWS": f"{receipt['cost_usd']:.4f} USD ({receipt['price_source']}); here it cost nothing",
        "spot saved": f"{receipt['saved_usd']:.4f} USD, {receipt['spot_saving_percent']:.0f} percent of the full price",
        "interrupted": "once, and resumed; the model is that of the undisturbed run, bit for bit",
    }


if __name__ == "__main__":
    main()
