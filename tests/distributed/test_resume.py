"""An interrupted run that goes on equals the undisturbed one, bit by bit at equal world size."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.distributed.test_plans import PLANS
from tests.support.training.ranks import Ended, results, run_ranks
from tests.support.training.training_cases import Run, train, train_odd
from training.pytorch.parallel.plan import Plan

SLOW = pytest.mark.slow  # four ranks and more on two processors; `make slow` runs them


def start(run: Run, world: int, folder: Path, nodes: int = 2) -> list[Ended]:
    """Start a run on two nodes; ranks of tensor-parallel plans stay on their node."""
    folder.mkdir(exist_ok=True)
    return run_ranks(world, train, run, folder=folder, nodes=nodes)


def unite(checkpoints: Path, into: Path) -> Path:
    """What S3 holds when every node has uploaded its files: the union."""
    for node in sorted(checkpoints.glob("node-*")):
        shutil.copytree(node, into, dirs_exist_ok=True)
    return into


@pytest.mark.parametrize(
    "name",
    [name if name.endswith("-2") and name.count("-") == 1 else pytest.param(name, marks=SLOW) for name in PLANS],
)
def test_after_a_sigterm_all_ranks_save_the_same_step_and_the_run_goes_on_where_it_was(
    name: str, tmp_path: Path
) -> None:
    world, plan = PLANS[name]
    undisturbed = results(start(Run(plan=plan, checkpoints=tmp_path / "a"), world, tmp_path / "logs-a"))
    run = Run(plan=plan, checkpoints=tmp_path / "b")
    stopped = start(replace(run, sigterm={world - 1: 3}), world, tmp_path / "logs-b")
    assert [one.code for one in stopped] == [75] * world
    resumed = results(start(run, world, tmp_path / "logs-c"))
    for one, other in zip(resumed, undisturbed, strict=True):
        assert one["start"] == 4, "agreed one step after the signal, on all ranks"
        for step in range(5, 7):
            assert one["losses"][step] == other["losses"][step]
            assert one["norms"][step] == other["norms"][step]
            assert one["draws"][step] == other["draws"][step], "the random states differ"
        assert one["rates"] == other["rates"]
    assert resumed[0]["digest"] == undisturbed[0]["digest"]

    fresh = unite(tmp_path / "b", tmp_path / "united")
    replaced = replace(run, checkpoints=fresh, united=True, steps=8)
    on_union = results(start(replaced, world, tmp_path / "logs-d"))
    longer = results(start(replace(run, steps=8), world, tmp_path / "logs-e"))
    assert {one["start"] for one in on_union} == {6}
    assert on_union[0]["digest"] == longer[0]["digest"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("fsdp-4", "fsdp-2", marks=SLOW),
        ("fsdp-2", "fsdp-4"),
        ("ddp-2", "ddp-4"),
        pytest.param("tp-2-pp-2", "ddp-2", marks=SLOW),
        pytest.param("hsdp-2x2", "tp-2", marks=SLOW),
        pytest.param("fsdp-2-tp-2", "fsdp-2-pp-2", marks=SLOW),
        pytest.param("hsdp-2x2-tp-2", "fsdp-2-tp-2-pp-2", marks=SLOW),
        ("ddp-2", "pp-4"),
    ],
)
def test_another_world_size_or_plan_goes_on_from_the_union(before: str, after: str, tmp_path: Path) -> None:
    world, plan = PLANS[before]
    run = Run(plan=plan, checkpoints=tmp_path / "a", steps=4)
    results(start(run, world, tmp_path / "logs-a"))
    fresh = unite(tmp_path / "a", tmp_path / "united")
    undisturbed = results(start(replace(run, steps=6), world, tmp_path / "logs-b"))
    other_world, other_plan = PLANS[after]
    other = Run(plan=other_plan, checkpoints=fresh, united=True)
    resumed = results(start(other, other_world, tmp_path / "logs-c"))
    assert {one["start"] for one in resumed} == {4}
    for step in (5, 6):
        loss = float.fromhex(resumed[0]["losses"][step])
        assert loss == pytest.approx(float.fromhex(undisturbed[0]["losses"][step]), rel=1e-5)
    for draws in zip(*(one["draws"][5] for one in resumed), strict=True):
        assert len(set(draws)) == len(draws), "ranks must not share a random stream"


@pytest.mark.parametrize("ranks", [2, 3])
def test_rows_that_do_not_divide_and_a_model_left_whole_by_an_evaluation_come_back(ranks: int, tmp_path: Path) -> None:
    before = results(run_ranks(2, train_odd, 2, tmp_path / "saves", folder=tmp_path))
    after = results(run_ranks(ranks, train_odd, 2, tmp_path / "saves", folder=tmp_path))
    assert before[0][0] == 0
    assert after == [(2, before[0][1])] * ranks
    assert len(before[0][1]) == 5 + 3 * 4, "five tensors, and three of the state of all but the unused one"


def test_a_killed_rank_costs_no_more_than_an_interval(tmp_path: Path) -> None:
    plan = Plan(data="fsdp")
    undisturbed = results(start(Run(plan=plan, checkpoints=tmp_path / "a"), 2, tmp_path / "logs-a"))
    run = Run(plan=plan, checkpoints=tmp_path / "b", timeout_seconds=5)
    killed = start(replace(run, kill={1: 5}), 2, tmp_path / "logs-b")
    assert killed[1].code == -9
    assert killed[0].code == 1
    assert "rank 1 of 2 did not answer" in killed[0].errors
    resumed = results(start(run, 2, tmp_path / "logs-c"))
    assert {one["start"] for one in resumed} == {4}
    assert resumed[0]["digest"] == undisturbed[0]["digest"]


def test_saves_by_the_clock_are_agreed_by_all_ranks(tmp_path: Path) -> None:
    run = Run(plan=Plan(), checkpoints=tmp_path / "a", every_steps=None, every_seconds=1e-6)
    results(start(run, 2, tmp_path / "logs-a"))
    folders = [
        sorted(path.name for path in (tmp_path / "a" / node / "run").glob("step-*")) for node in ("node-0", "node-1")
    ]
    assert folders[0] == folders[1]
    assert len(folders[0]) == 3, "the last three are kept"


def test_the_first_rank_alone_points_to_the_newest_save(tmp_path: Path) -> None:
    results(start(Run(plan=Plan(), checkpoints=tmp_path / "a", steps=2), 2, tmp_path / "logs"))
    folders = {node: tmp_path / "a" / node / "run" for node in ("node-0", "node-1")}
    assert all((folder / "step-00000002-g1").is_dir() for folder in folders.values())
    pointer = json.loads((folders["node-0"] / "latest.json").read_text())
    assert pointer == {"run_id": "run", "step": 2, "folder": "step-00000002-g1", "world_size": 2}
    assert not (folders["node-1"] / "latest.json").exists(), "in S3 it would be written over the first rank's"


def test_two_runs_never_mix(tmp_path: Path) -> None:
    first = Run(plan=Plan(), checkpoints=tmp_path / "a", run_id="first", steps=2)
    results(start(first, 2, tmp_path / "logs-a"))
    second = results(start(replace(first, run_id="second"), 2, tmp_path / "logs-b"))
    assert {one["start"] for one in second} == {0}
    again = results(start(replace(first, steps=4), 2, tmp_path / "logs-c"))
    assert {one["start"] for one in again} == {2}
