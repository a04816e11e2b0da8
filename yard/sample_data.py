"""Data to try a job with, made by the programs that ship, in the environment of the job's image."""

import subprocess
from pathlib import Path

from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.product import image_sources, product_root
from yard.errors import UserError
from yard.output import say

_MAKERS = {"training.pytorch.programs.mnist": "make_digits", "training.pytorch.programs.linear": "make_events"}
"""What makes the data that a program reads: a folder for each channel."""


def make(root: Path, job: JobSpec, folder: Path) -> None:
    """Write sample data for a job: a folder per channel below `folder`."""
    from embedded.nodes import image_environment

    entry = None if job.program is None else job.program.entry
    if entry not in _MAKERS:
        raise UserError(
            f"There is no sample data for {job.name}, which runs {entry}; there is for {', '.join(_MAKERS)}.",
            f"Upload your own: yard data put DIR --job {job.name} --channel NAME",
        )
    own = root / "containers" / str(job.image.folder) / "requirements.txt"
    requirements = own if own.is_file() else product_root() / "containers" / "pytorch" / "requirements.txt"
    if not image_environment.is_ready(requirements):
        say(f"Making the environment of {requirements.parent.name}/{requirements.name}; this takes a minute once.")
    python = image_environment.ensure(requirements) / "bin" / "python"
    command = [str(python), "-m", f"training.pytorch.programs.{_MAKERS[entry]}", str(folder.absolute())]
    done = subprocess.run(command, cwd=image_sources(root), capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"The sample data could not be made: {done.stderr.strip().splitlines()[-1]}.")
