"""A job's file: what it may say, how mistakes read, and that nothing is lost on the way through JSON."""

import json
from pathlib import Path
from typing import Any

import pytest

from shardyard.spec.errors import SpecError
from shardyard.spec.job_folder import load_jobs
from shardyard.spec.jobs.job import JobSpec
from tests.support.spec.spec_tables import make

GOOD = """
[image]
folder = "pytorch"
[program]
entry = "training.pytorch.programs.mnist"
[compute]
instance_type = "ml.g5.xlarge"
count = 2
"""

FOLDER = 'folder = "pytorch"'


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name.replace('_', '-')}.toml").write_text(text)
    return folder


def problems_of(folder: Path, stage: str = "dev") -> list[str]:
    with pytest.raises(SpecError) as raised:
        load_jobs(folder, stage)
    return [str(problem).removeprefix(f"{folder.name}/") for problem in raised.value.problems]


def test_the_name_is_the_file_and_units_are_as_people_write_them(tmp_path: Path) -> None:
    text = GOOD + 'volume = "1.5TB"\nkeep_alive = "10m"\n[limits]\nmax_runtime = "1h30m"\n'
    text = text.replace("ml.g5.xlarge", "ml.m5.xlarge")
    (job,) = load_jobs(write(tmp_path, my_job=text), "dev")
    assert job.name == "my-job"
    assert (job.compute.volume_gb, job.compute.keep_alive_seconds, job.limits.max_runtime_seconds) == (1536, 600, 5400)


def test_all_problems_of_all_files_come_together(tmp_path: Path) -> None:
    wrong = GOOD.replace("count = 2", "count = 0\ninstanse_type = 1")
    ruled = GOOD + "[spot]\nenabled = true\n"
    write(tmp_path, aa=wrong, bb=ruled, cc="[image", good=GOOD)
    assert problems_of(tmp_path) == [
        "aa.toml: compute.instanse_type: unknown key; did you mean 'instance_type'?",
        "aa.toml: compute.count: 0 is not allowed (1 or more)",
        "cc.toml: it is not TOML: Expected ']' at the end of a table declaration (at end of document)",
        "bb.toml: checkpoints.enabled: a spot job without checkpoints loses all its work when it is interrupted "
        "(set it to true)",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD + "[limits]\nmax_runtime = 'soon'", "limits.max_runtime: 'soon' is not a duration; write "),
        (GOOD + "[limits]\nmax_runtime = '29d'", "limits.max_runtime: 29d is not allowed (1s to 28d)"),
        (GOOD.replace("ml.g5.xlarge", "g5.xlarge"), "compute.instance_type: 'g5.xlarge' is not allowed (a training"),
        (
            GOOD.replace(FOLDER, ""),
            "image: no image is given (exactly one of folder, repository, framework, algorithm, builtin)",
        ),
        (GOOD.replace(FOLDER, FOLDER + "\nrepository = 'a'\ntag = 'b'"), "image: folder and repository exclude each"),
        (GOOD.replace(FOLDER, "repository = 'own'"), "image.repository: it needs a tag or a digest, and not both"),
        (
            GOOD.replace(FOLDER, "framework = 'pytorch'"),
            "image.version: missing; give the version of pytorch, such as 2.13",
        ),
        (GOOD + "[[compute.groups]]\nname='a'\ninstance_type='ml.g5.xlarge'", "compute: instance_type and groups"),
        (GOOD + "[channels.train]\nmode = 'File'", "channels.train: it does not say where its data lies (exactly"),
        (GOOD + "[channels.train]\ns3 = '/data'", "channels.train.s3: '/data' is not allowed (a key prefix in the"),
        (
            GOOD + "[checkpoints]\nlocal_path = '/opt/ml/../../../home/x'",
            "checkpoints.local_path: '/opt/ml/../../../home/x' is not allowed (an absolute path without .. such as",
        ),
        (
            GOOD + "[tensorboard]\nlocal_path = '/opt/ml/output/..'",
            "tensorboard.local_path: '/opt/ml/output/..' is not allowed (an absolute path without .. such as",
        ),
        (
            GOOD + "[channels.train.file_system]\nid = 'fs-12345678'\npath = '/data/../../..'",
            "channels.train.file_system.path: '/data/../../..' is not allowed (an absolute path without .. such as",
        ),
        (GOOD + "[program2]\nx=1", "program2: unknown key; did you mean 'program'?"),
        ("name = 'x'\n" + GOOD, "name: it cannot be set; the file's name is the job's name"),
        (GOOD + "[overrides.prd]\ndescription='x'", "overrides.prd: unknown stage; did you mean 'prod'?"),
        (GOOD + "[overrides]\nprod='x'", "overrides: must hold one table per stage, such as [overrides.prod.compute]"),
        (GOOD + "[overrides.prod.compute]\ncount=0", "[overrides.prod] compute.count: 0 is not allowed (1 or more)"),
    ],
)
def test_each_mistake_in_its_words(tmp_path: Path, text: str, says: str) -> None:
    (problem,) = problems_of(write(tmp_path, job=text))
    assert problem.startswith(f"job.toml: {says}")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\xff\xfe[\x00i\x00", "it is not UTF-8 text (at line 1); save it as UTF-8"),
        (GOOD.encode() + b"# caf\xe9", "it is not UTF-8 text (at line 9); save it as UTF-8"),
        (b"a = " + b"[" * 5000 + b"]" * 5000, "it is not TOML: maximum recursion depth exceeded"),
        (b"a = " + b"9" * 5000, "it is not TOML: Exceeds the limit (4300 digits)"),
        (GOOD.replace("count = 2", "count = 99999999999").encode(), "compute: 99999999999 instances are not allowed ("),
        (GOOD.encode() + b"[cost]\ncap_usd = nan", "cost.cap_usd: nan is not allowed (a number that is finite)"),
        (GOOD.encode() + b"[source]\ndir = '../other'", "source.dir: '../other' is not allowed (a folder inside the"),
        (b"stack = 'storage'\n" + GOOD.encode(), "stack: 'storage' is not allowed (up to 31 small letters, digits and"),
    ],
    ids=("utf-16", "latin-1", "deep", "digits", "count", "nan", "outside", "taken"),
)
def test_what_no_editor_should_have_written_is_one_line_too(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "job.toml").write_bytes(content)
    (problem,) = problems_of(tmp_path)
    assert problem.startswith(f"job.toml: {says}")
    assert "\n" not in problem


def test_a_file_from_another_system_is_read(tmp_path: Path) -> None:
    (tmp_path / "job.toml").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load_jobs(tmp_path, "dev")[0].compute.count == 2


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "link.toml").symlink_to(tmp_path / "nowhere")
    assert problems_of(tmp_path) == [
        "folder.toml: it cannot be read: Is a directory",
        "link.toml: it cannot be read: No such file or directory",
    ]


def test_a_folder_that_is_not_there_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path / "job")
    assert problem == f"training.jobs: there is no folder '{tmp_path}/job' (make it, and put a job's file there)"
    assert load_jobs(tmp_path, "dev") == ()


@pytest.mark.parametrize("where", ["..", "../..", "/etc", "link", "jobs/../.."])
def test_a_folder_outside_of_the_project_is_refused(tmp_path: Path, where: str) -> None:
    (tmp_path / "project/jobs").mkdir(parents=True)
    (tmp_path / "project/link").symlink_to(tmp_path)
    with pytest.raises(SpecError, match=r"training\.jobs: '.*' is not in the project's folder '.*project'"):
        load_jobs(tmp_path / "project" / where, "dev", root=tmp_path / "project")


def test_a_folder_that_is_empty_is_refused_unless_that_is_meant(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="holds no job, so a deploy would remove every job that there is"):
        load_jobs(tmp_path, "dev", root=tmp_path, may_be_empty=False)
    assert load_jobs(tmp_path, "dev", root=tmp_path, may_be_empty=True) == ()


def test_names_that_differ_only_in_hyphens_are_refused(tmp_path: Path) -> None:
    write(tmp_path, gpt_2x=GOOD, gpt2x=GOOD)
    assert problems_of(tmp_path) == [
        "gpt2x.toml: name: 'gpt2x' and 'gpt-2x' differ only in hyphens, which their parameters' names do not have "
        "(rename one of the files)"
    ]


def test_a_wrong_file_name_is_a_wrong_job_name(tmp_path: Path) -> None:
    (problem,) = problems_of(write(tmp_path, Upper=GOOD))
    assert problem == (
        "Upper.toml: name: 'Upper' is not allowed (2 to 32 small letters, digits and hyphens, a letter first)"
    )


def test_a_stage_lays_its_tables_over_the_file(tmp_path: Path) -> None:
    text = (
        GOOD
        + "[hyperparameters]\na = 1\nb = 2\n[overrides.prod.compute]\ncount = 8\n[overrides.prod.hyperparameters]\nb=3"
    )
    write(tmp_path, job=text)
    (dev,), (prod,) = load_jobs(tmp_path, "dev"), load_jobs(tmp_path, "prod")
    assert (dev.compute.count, dev.hyperparameters, dev.from_stage) == (2, {"a": 1, "b": 2}, ())
    assert (prod.compute.count, prod.hyperparameters) == (8, {"a": 1, "b": 3})
    assert prod.from_stage == ("compute.count", "hyperparameters.b")


PROD_SPOT = "[overrides.prod.spot]\nenabled = true\n"


def test_the_rules_hold_for_every_stage_and_name_the_one_that_breaks_them(tmp_path: Path) -> None:
    write(tmp_path, job=GOOD + PROD_SPOT)
    said = "checkpoints.enabled: a spot job without checkpoints loses all its work when it is interrupted"
    assert [one.removesuffix(" (set it to true)") for one in problems_of(tmp_path)] == [
        f"job.toml: [overrides.prod] {said}"
    ]
    assert [one.removesuffix(" (set it to true)") for one in problems_of(tmp_path, "prod")] == [f"job.toml: {said}"]


def test_what_is_wrong_in_every_stage_is_said_once(tmp_path: Path) -> None:
    write(tmp_path, job=GOOD + "[tags]\nproject = 'x'\n" + PROD_SPOT + "[overrides.prod.checkpoints]\nenabled = true\n")
    assert len(problems_of(tmp_path)) == len(problems_of(tmp_path, "prod")) == 1


def test_a_stage_may_mend_what_another_has(tmp_path: Path) -> None:
    write(tmp_path, job=GOOD + "[spot]\nenabled = true\n[overrides.prod.checkpoints]\nenabled = true\n")
    assert len(problems_of(tmp_path)) == 1
    (problem,) = problems_of(tmp_path, "prod")
    assert problem.startswith("job.toml: checkpoints.enabled: a spot job"), "dev has no overrides, so the file is wrong"


def test_the_projects_subnets_bound_a_jobs_instances_in_this_stage(tmp_path: Path) -> None:
    write(tmp_path, job=GOOD)
    load_jobs(tmp_path, "dev", subnet_addresses=4)
    with pytest.raises(SpecError, match="take 4 addresses, and the largest subnet has 3 "):
        load_jobs(tmp_path, "dev", subnet_addresses=3)


def test_the_tags_of_the_project_count(tmp_path: Path) -> None:
    write(tmp_path, job=GOOD + "[tags]\n" + "".join(f"t{number} = 'x'\n" for number in range(40)))
    load_jobs(tmp_path, "dev", project_tags={f"p{number}": "x" for number in range(3)})
    with pytest.raises(SpecError, match="tags: 51 with the 11 of the project"):
        load_jobs(tmp_path, "dev", project_tags={f"p{number}": "x" for number in range(4)})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[hyperparameters]\na = '${Role}'\n", "'${' is not allowed here: the state machine would take it for a"),
        ("[hyperparameters]\n'a.$' = '$.x'\n", "'.$' is not allowed here: the state machine would take it for a"),
        ("[overrides.prod]\nname = 'x'\n", "[overrides.prod] name: it cannot be set; the file's name is the job's"),
    ],
)
def test_what_no_state_machine_can_hold_is_said_with_the_rest(tmp_path: Path, text: str, says: str) -> None:
    write(tmp_path, job=GOOD + text)
    (problem,) = problems_of(tmp_path)
    assert problem.startswith(f"job.toml: {says}")


def test_two_jobs_on_one_checkpoint_prefix_are_refused(tmp_path: Path) -> None:
    text = GOOD + "[checkpoints]\nenabled = true\ns3 = 's3://bucket/ck'\n"
    assert len(problems_of(write(tmp_path, one=text, two=text))) == 2


FULL: dict[str, Any] = {
    "from_stage": ["compute.count"],
    "description": "all of it",
    "source": {"dir": "src", "sha256": "0" * 64},
    "program": {"entry": "train.py", "launcher": "mpirun", "arguments": ["-v"]},
    "compute": {"fallback": [{"instance_type": "ml.g6.xlarge", "hyperparameters": {"batch_size": 8}}]},
    "channels": {"train": {"file_system": {"id": "fs-01234567", "path": "/x"}}},
    "hyperparameters": {"a": 1, "b": 1.5, "c": True, "d": "1", "e": ""},
    "metrics": [{"name": "x", "regex": "x=(.)"}],
    "retry": {"attempts": 3},
    "tags": {"team": "a"},
    "model": {"parameters": "7B"},
}


def test_a_definition_survives_json() -> None:
    spec = make(**FULL)
    assert JobSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_a_definition_in_json_leaves_defaults_out() -> None:
    assert make().to_dict() == {
        "name": "job",
        "image": {"folder": "pytorch"},
        "program": {"entry": "training.pytorch.programs.mnist"},
        "compute": {"instance_type": "ml.g5.xlarge"},
    }


def test_a_wrong_definition_says_all_that_is_wrong() -> None:
    with pytest.raises(SpecError) as raised:
        JobSpec.from_dict({"name": "job", "compute": {"count": 0}})
    assert [str(problem) for problem in raised.value.problems] == [
        "image: missing; what runs: [image] with a folder, a repository or a framework",
        "compute.count: 0 is not allowed (1 or more)",
    ]


def test_a_spot_job_waits_twice_its_runtime_by_default_and_28_days_at_most() -> None:
    spot = {"spot": {"enabled": True}, "checkpoints": {"enabled": True}}
    assert make(**spot, limits={"max_runtime": "1h"}).max_wait_seconds == 7200
    assert make(**spot, limits={"max_runtime": "20d"}).max_wait_seconds == 28 * 86400
    assert make(spot={"max_wait": "3h"}).max_wait_seconds is None


def test_a_bundle_needs_a_source() -> None:
    assert make(source={"dir": "src"}).with_source("a" * 64).source.sha256 == "a" * 64
    with pytest.raises(SpecError, match=r"source: the job has no \[source\] dir"):
        make().with_source("a" * 64)
