"""The hyperparameters of shipped jobs are options of their programs, which are read without importing torch."""

import re
from pathlib import Path

import pytest

from shardyard.spec.job_folder import load_jobs
from shardyard.spec.jobs.job import JobSpec
from tests.support.spec.small_jobs import SMALL

ROOT = Path(__file__).parents[4]
JOBS = [job for job in load_jobs(ROOT / "jobs", "dev") if isinstance(job, JobSpec)]
SHARED = ROOT / "training/programs/arguments.py"


def options_of(*files: Path) -> set[str]:
    return {name for path in files for name in re.findall(r'add(?:_argument)?\(\s*"--(\w+)"', path.read_text())}


@pytest.mark.parametrize("job", JOBS, ids=[job.name for job in JOBS])
def test_every_hyperparameter_is_an_option_of_the_program(job: JobSpec) -> None:
    assert job.program is not None
    program = ROOT / (job.program.entry.replace(".", "/") + ".py")
    known = options_of(SHARED, program, *program.parent.glob("arguments.py"))
    fallbacks = {name for fallback in job.compute.fallback for name in fallback.hyperparameters}
    assert {*job.hyperparameters, *fallbacks, *SMALL[job.name].get("hyperparameters", {})} <= known
