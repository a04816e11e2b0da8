"""`renamed_from`: a job has another name in jobs/ than in the account."""

from pathlib import Path

import pytest

from shardyard.spec.errors import SpecError
from shardyard.spec.job_folder import load_jobs
from shardyard.spec.jobs.stack_parameters import job_parameters

JOB = """\
{first}
[image]
repository = "own"
tag = "1"

[compute]
instance_type = "ml.m5.xlarge"
"""


def write(folder: Path, **renamed_from: str | None) -> None:
    for name, before in renamed_from.items():
        first = "" if before is None else f'renamed_from = "{before}"'
        (folder / f"{name.replace('_', '-')}.toml").write_text(JOB.format(first=first))


def problems(folder: Path) -> list[str]:
    with pytest.raises(SpecError) as caught:
        load_jobs(folder, "dev")
    return str(caught.value).splitlines()


def test_a_renamed_job_is_deployed_under_its_old_name(tmp_path: Path) -> None:
    write(tmp_path, new="old-job")
    (job,) = load_jobs(tmp_path, "dev")
    assert (job.name, job.deployed_as) == ("new", "old-job")
    parameters = job_parameters(job, ("ml.m5.xlarge",)).values()
    assert {one.name[:6] for one in parameters} == {"OldJob"}
    other = tmp_path / "before"
    other.mkdir()
    write(other, old_job=None)
    assert (job.as_deployed(),) == load_jobs(other, "dev")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"new": "new"}, ["new.toml: renamed_from: 'new' is the job's own name (leave it out)"]),
        (
            {"new": "old", "old": None},
            [
                "new.toml: renamed_from: there is still a job 'old', and both would be deployed under that name "
                "(remove its file, or leave renamed_from out: then this is a new job)"
            ],
        ),
        ({"bb": "old", "aa": "old"}, ["bb.toml: renamed_from: 'aa' is renamed from 'old' too (only one job can be)"]),
        (
            {"aa": "bb", "bb": "aa"},
            [
                f"{one}.toml: renamed_from: there is still a job '{other}', and both would be deployed under that name "
                "(remove its file, or leave renamed_from out: then this is a new job)"
                for one, other in (("aa", "bb"), ("bb", "aa"))
            ],
        ),
        (
            {"new": "Old"},
            ["new.toml: renamed_from: 'Old' is not allowed"],
        ),
        (
            {"gpt2": None, "new": "gpt-2"},
            ["new.toml: name: 'gpt-2' and 'gpt2' differ only in hyphens"],
        ),
    ],
)
def test_what_would_deploy_two_jobs_under_one_name_is_refused(
    tmp_path: Path, files: dict[str, str | None], said: list[str]
) -> None:
    write(tmp_path, **files)
    found = problems(tmp_path)
    assert len(found) == len(said)
    for line, wanted in zip(found, said, strict=True):
        assert wanted in line


def test_a_chain_names_the_first_of_its_names(tmp_path: Path) -> None:
    write(tmp_path, third="first")
    (job,) = load_jobs(tmp_path, "dev")
    assert job.deployed_as == "first"


def test_a_stage_cannot_have_another_old_name(tmp_path: Path) -> None:
    write(tmp_path, new=None)
    with (tmp_path / "new.toml").open("a") as file:
        file.write('[overrides.prod]\nrenamed_from = "old"\n')
    (said,) = problems(tmp_path)
    assert said.endswith("[overrides.prod] renamed_from: is the same in every stage (write it above all tables)")
