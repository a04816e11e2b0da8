"""Which stack each job belongs to: what fits stays, what does not goes into the next stack that has room."""

import random
import shutil
import tomllib
from pathlib import Path

import pytest

from tests.support.cloud.own_project import write_settings
from tests.support.cloud.yard_command import ROOT
from yard import stack_plan
from yard.project import find_project
from yard.stack_plan import BYTES, LIMITS, Measured, in_stack, propose


def size(size_bytes: int, parameters: int = 4, outputs: int = 1, resources: int = 7) -> dict[str, int]:
    return {"Parameters": parameters, "Outputs": outputs, "Resources": resources, BYTES: size_bytes}


def measured(**jobs: int) -> Measured:
    return Measured(jobs={name: size(number) for name, number in jobs.items()}, shared=SHARED, frame=FRAME)


SHARED, FRAME = size(60_000, 1, 6, 40), size(1_000, 1, 0, 1)


def test_jobs_that_fit_stay_where_they_are() -> None:
    found = propose({"a": "training", "b": "night"}, measured(a=20_000, b=20_000))
    assert (found.moves, found.stacks) == ({}, {"a": "training", "b": "night"})
    assert found.sizes["training"][BYTES] == 80_000


def test_the_first_ones_stay_and_the_others_go_to_numbered_stacks() -> None:
    jobs = {f"job-{number:02}": 200_000 for number in range(10)}
    found = propose(dict.fromkeys(jobs, "training"), measured(**jobs))
    assert list(found.stacks.values()) == ["training"] * 4 + ["training-2"] * 4 + ["training-3"] * 2


def test_a_numbered_stack_that_is_there_is_filled_before_a_new_one_is_made() -> None:
    now = {"a": "training", "b": "training", "c": "training-2"}
    found = propose(now, measured(a=800_000, b=300_000, c=100_000))
    assert found.moves == {"b": "training-2"}


def test_any_limit_may_be_the_one_that_binds() -> None:
    jobs = {f"job-{number}": size(10, parameters=60) for number in range(4)}
    found = propose(dict.fromkeys(jobs, "training"), Measured(jobs=jobs, shared=SHARED, frame=FRAME))
    assert list(found.stacks.values()) == ["training", "training", "training-2", "training-2"]


def test_whatever_the_jobs_are_every_stack_has_room_and_no_job_moves_without_need() -> None:
    choose = random.Random(14)
    moved = 0
    for _ in range(300):
        jobs = {
            f"job-{number}": size(choose.randrange(1_000, 90_000), parameters=choose.randrange(6))
            for number in range(choose.randrange(1, 60))
        }
        now = {name: choose.choice(["training", "training-2", "night"]) for name in jobs}
        found = propose(now, Measured(jobs=jobs, shared=SHARED, frame=FRAME))
        assert found.stacks.keys() == jobs.keys()
        for taken in found.sizes.values():
            assert all(taken[limit] <= LIMITS[limit] for limit in LIMITS)
        for job, stack in found.moves.items():
            room = {limit: LIMITS[limit] - found.sizes[now[job]][limit] for limit in LIMITS}
            assert any(jobs[job][limit] > room[limit] for limit in LIMITS), f"{job} had room in {now[job]}"
            assert stack != now[job]
        moved += len(found.moves)
    assert moved > 100


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('# What it is\n# for\ndescription = "x"\n[image]\nfolder = "a"\n', 2),
        ('stack = "old"  # why\n[image]\nstack = "not this one"\n', 0),
        ("description = 'x'\nstack='old'\n\n[[compute.fallback]]\n", 1),
        ('[image]\nfolder = "a"\n', 0),
        ("", 0),
        ("# only a comment\n", 1),
    ],
)
def test_the_line_is_written_where_a_top_level_key_belongs(text: str, line: int) -> None:
    changed = in_stack(text, "night")
    assert changed.splitlines()[line] == 'stack = "night"'
    before, after = tomllib.loads(text), tomllib.loads(changed)
    assert after == {**before, "stack": "night"}
    assert in_stack(changed, "night") == changed


@pytest.mark.slow
def test_sixty_jobs_are_planned_by_measure_and_the_plan_passes_a_synth(tmp_path: Path) -> None:
    root = tmp_path / "sixty"
    for name in ("constructs", "containers", "contract", "serving", "stacks", "training"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "app.py", root)
    (root / "node_modules").symlink_to(ROOT / "node_modules")
    (root / "jobs").mkdir()
    text = (ROOT / "jobs/mnist-ddp.toml").read_text()
    for number in range(60):
        (root / f"jobs/digits-{number:02}.toml").write_text(text)
    write_settings(root, owner="platform")
    project = find_project(root)
    found = stack_plan.plan(project)
    assert set(found.stacks.values()) == {"training", "training-2"}
    stack_plan.write(project, found.moves)
    assert {spec.name: spec.stack for spec in project.jobs()} == dict(found.stacks)
    assert stack_plan.plan(project).moves == {}
    assert not (root / ".yard/stack-plan").exists()
