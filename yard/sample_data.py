"""Data to try a job with, made by the programs that ship, in the environment of the job's image."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from shardyard.spec.job_folder import load_jobs
from shardyard.spec.jobs.automl.automl import AutoMLSpec
from shardyard.spec.jobs.automl.data import AutoMLInput
from shardyard.spec.jobs.code.project_files import started
from shardyard.spec.jobs.data import Channel
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.jobs.processing.inputs import Input
from shardyard.spec.jobs.processing.processing import ProcessingSpec
from shardyard.spec.jobs.transform.data import TransformInput
from shardyard.spec.jobs.transform.transform import TransformSpec
from shardyard.spec.product import image_sources, product_root
from yard.errors import UserError
from yard.output import say

_MAKERS = {
    "training.pytorch.programs.mnist": "make_digits",
    "training.pytorch.programs.linear": "make_events",
    "training.tensorflow.programs.mnist": "make_digits",
    "training.processing.digits": "make_raw_digits",
    "training.tensorflow.programs.cifar": "make_images",
}
"""What makes the data that a program reads: a folder for each channel."""
_ROW_MAKERS = {"training.pytorch.programs.mnist": "make_digit_rows"}
"""What makes the rows that a transform job has answered, by the program that trains its model."""


def places(job: LaunchedSpec) -> Mapping[str, Channel | Input | TransformInput | AutoMLInput]:
    """What a job reads, by name: its channels or its inputs."""
    if isinstance(job, JobSpec):
        return job.channels
    return job.inputs if isinstance(job, ProcessingSpec | TransformSpec | AutoMLSpec) else {}


def written(job: LaunchedSpec, name: str) -> str | None:
    """The prefix in the data bucket of a processing job's output; None where the job has no output of this name."""
    output = job.outputs.get(name) if isinstance(job, ProcessingSpec) else None
    if output is None:
        return None
    if output.feature_group is not None or output.s3 is None or output.bucket != "data" or "://" in output.s3:
        where = "has an address for each run" if output.s3 is None else "does not lie in the data bucket"
        raise UserError(
            f"The output {name!r} of {job.name!r} {where}.", f"Fetch a run's: yard outputs get RUN --name {name}"
        )
    return output.s3 if output.s3.endswith("/") else f"{output.s3}/"


def _of_transform(job: TransformSpec, root: Path) -> str | None:
    """What trains the model of a transform job, where that is a job of this project."""
    trainer = str(job.model.run).partition(":")[0]
    trained = {one.name: one for one in load_jobs(root / "jobs", "dev")}.get(trainer)
    return None if trained is None else started(trained)


def make(root: Path, job: LaunchedSpec, folder: Path) -> None:
    """Write sample data for a job: a folder per channel below `folder`."""
    from embedded.nodes import image_environment

    entry, makers = started(job), _MAKERS
    if isinstance(job, TransformSpec):
        entry, makers = _of_transform(job, root), _ROW_MAKERS
    if entry not in makers:
        raise UserError(
            f"There is no sample data for {job.name}, which runs {entry}; there is for {', '.join(makers)}.",
            f"Upload your own: yard data put DIR --job {job.name} --channel NAME",
        )
    own = root / "containers" / str(job.image.folder) / "requirements.txt"
    requirements = own if own.is_file() else product_root() / "containers" / "pytorch" / "requirements.txt"
    if not image_environment.is_ready(requirements):
        say(f"Making the environment of {requirements.parent.name}/{requirements.name}; this takes a minute once.")
    python = image_environment.ensure(requirements) / "bin" / "python"
    command = [str(python), "-m", f"training.programs.{makers[entry]}", str(folder.absolute())]
    done = subprocess.run(command, cwd=image_sources(root), capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"The sample data could not be made: {done.stderr.strip().splitlines()[-1]}.")
