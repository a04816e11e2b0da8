"""`yard check` says what synth would refuse for a stack's size, before any synth."""

import shutil
from pathlib import Path

import pytest

from shardyard.spec.errors import SpecError
from yard.plan import check_jobs
from yard.project import Project, find_project

ROOT = Path(__file__).resolve().parents[4]


def project(folder: Path, jobs: int) -> Project:
    (folder / "jobs").mkdir()
    shutil.copy(ROOT / "cdk.json", folder)
    for name in ("containers", "contract", "serving", "training"):
        (folder / name).symlink_to(ROOT / name)
    text = (ROOT / "jobs/mnist-ddp.toml").read_text(encoding="utf-8")
    for number in range(jobs):
        (folder / f"jobs/job-{number:02}.toml").write_text(text, encoding="utf-8")
    return find_project(folder)


def test_a_stack_that_is_too_full_is_refused_and_the_files_to_move_are_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as refused:
        check_jobs(project(tmp_path, 46), None)
    (problem,) = refused.value.problems
    assert problem.where == "stack 'training'"
    assert "46 jobs need" in problem.message and 'write stack = "training-2"' in problem.message
    assert "jobs/job-45.toml" in problem.message


def test_one_job_of_it_is_told_too(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="46 jobs need"):
        check_jobs(project(tmp_path, 46), "job-00")


def test_forty_jobs_are_no_problem(tmp_path: Path) -> None:
    assert len(check_jobs(project(tmp_path, 40), None)) == 40
