"""Fifteen scripts as other people write them, brought by `yard init job` and run on one node and on two."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.cloud import own_project
from tests.support.cloud.house import EMAIL
from tests.support.cloud.own_project import OwnProject
from tests.support.cloud.yard_command import Yard
from tests.support.scripts.styles import CODE, STYLES, Style
from yard.runs import runs

pytestmark = pytest.mark.e2e


@dataclass(frozen=True, kw_only=True, slots=True)
class Brought:
    """The project with all scripts in it, and what became of each run."""

    project: OwnProject
    yard: Yard
    turns: dict[str, dict[str, Any]]
    """By the words of each launch."""

    def run(self, style: Style, nodes: int) -> runs.Run:
        turn = self.turns[words(style, nodes)]
        assert turn["status"] == "succeeded", turn
        return runs.find(self.project.aws, turn["run"])


def words(style: Style, nodes: int) -> str:
    given = f" --arguments '{' '.join(style.arguments)}'" if style.arguments else ""
    return f"{style.job} --count {nodes}{given}"


def wanted(request: pytest.FixtureRequest) -> set[tuple[Style, int]]:
    """What the chosen tests look at: no other script is run, and each style is on the nodes that it is for."""
    chosen = {
        (item.callspec.params["style"], item.callspec.params.get("nodes"))
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.path == request.path and hasattr(item, "callspec")
    }
    return {(style, nodes or (2 if style.several else 1)) for style, nodes in chosen}


@pytest.fixture(scope="module")
def brought(
    request: pytest.FixtureRequest, bootstrapped_cloud: Any, tmp_path_factory: pytest.TempPathFactory
) -> Brought:
    """Each script brought as its owner would: copied, read by `yard init job`, deployed, queued."""
    folder = tmp_path_factory.mktemp("projects") / "styles"
    project = own_project.make_project(bootstrapped_cloud, folder, email=EMAIL)
    yard = Yard(env=project.cloud.env, folder=folder)
    shutil.copytree(CODE, folder / "code", ignore=shutil.ignore_patterns("__pycache__"))
    for style in STYLES:
        yard("init", "job", style.job, "--script", f"code/{style.folder}/train.py")
        with (folder / f"jobs/{style.job}.toml").open("a") as definition:
            definition.write(style.more)
    yard("check")
    project.deployed()
    launches = sorted({words(style, nodes) for style, nodes in wanted(request)})
    done = yard.json("queue", *launches, "--at-once", "2", "--yes", "--json")
    return Brought(project=project, yard=yard, turns={turn["launch"]: turn for turn in done})


@pytest.mark.parametrize(
    ("style", "nodes"),
    [
        # First on as many nodes as it is for; `make slow` runs it on the other number as well
        pytest.param(
            style, nodes, marks=() if style.several == (nodes == 2) else pytest.mark.slow, id=f"{style.job}-{nodes}"
        )
        for style in STYLES
        for nodes in (1, 2)
    ],
)
def test_it_runs_leaves_a_model_and_has_its_loss_everywhere(brought: Brought, style: Style, nodes: int) -> None:
    run = brought.run(style, nodes)
    receipt = brought.project.receipt(run)
    assert receipt["metrics"]["loss"] > 0
    assert receipt["settings"]["arguments"] == list(style.arguments)
    assert receipt["attempts"][0]["instances"][0]["count"] == nodes
    assert brought.project.model(run), "it left nothing"
    (row,) = (row for row in brought.yard.json("history", style.job, "--json") if row["run"] == run.run_id)
    assert row["loss"] == pytest.approx(receipt["metrics"]["loss"])


@pytest.mark.parametrize("style", [style for style in STYLES if style.several], ids=lambda style: style.job)
def test_two_nodes_are_ranks_of_one_group(brought: Brought, style: Style) -> None:
    settings = brought.project.receipt(brought.run(style, 2))["settings"]
    assert settings["launcher"] == "torchrun"


@pytest.mark.parametrize("style", [style for style in STYLES if not style.several], ids=lambda style: style.job)
def test_one_that_is_no_rank_is_started_plainly(brought: Brought, style: Style) -> None:
    assert brought.project.receipt(brought.run(style, 1))["settings"]["launcher"] == "plain"


def test_the_settings_of_a_launch_are_in_its_plan(brought: Brought) -> None:
    said = brought.yard("train", "click-cli", "--arguments", "train --steps 10", "--dry-run", "--json").stdout
    assert json.loads(said)["arguments"] == ["train", "--steps", "10"]
    assert Path(brought.project.root, "code/click_cli/requirements.txt").is_file()
