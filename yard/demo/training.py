"""Two runs of one job, one of them interrupted, and whether that has changed the model."""

import json
import time
from collections.abc import Mapping
from typing import Any

from yard.account.stages import Stage
from yard.aws import Aws
from yard.demo.cloud import admin
from yard.errors import UserError
from yard.runs import follow, runs
from yard.runs.logs import Line, Tail
from yard.runs.view import View

JOB = "mnist-ddp"
LAUNCH: Mapping[str, Any] = {
    "instance_count": 2,
    "hyperparameters": {"epochs": 5, "width": 64, "checkpoint_steps": 5, "log_steps": 5},
}
INTERRUPT_AT_STEP = 25
_POLL_SECONDS = 0.25


def train(aws: Aws, stage: Stage, *, interrupt: bool) -> runs.Run:
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
            admin(aws.project, "interrupt", {"job": names[-1]})
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


def compare(aws: Aws, plain: runs.Run, disturbed: runs.Run, stage: Stage) -> None:
    """Tell that both runs have the same weights, or fail."""
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
