"""A job that is removed or renamed while it runs."""

from pathlib import Path
from typing import Any

import pytest

from tests.cloud.conftest import Cloud
from tests.support.cloud import house, own_project
from tests.support.cloud.house import wait_until
from tests.support.cloud.own_project import JOB, OwnProject
from tests.support.cloud.yard_command import Yard

pytestmark = pytest.mark.e2e
WAITING: dict[str, Any] = {"environment": {"WAIT": "1"}}


@pytest.fixture(scope="module")
def moving(bootstrapped_cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> OwnProject:
    folder = tmp_path_factory.mktemp("projects") / "moving"
    return own_project.make_project(bootstrapped_cloud, folder, email=house.EMAIL)


def test_a_job_keeps_its_runs_when_it_is_renamed_and_when_it_is_removed(moving: OwnProject, tmp_path: Path) -> None:
    yard = Yard(env=moving.cloud.env, folder=moving.root)
    old, new = moving.root / f"jobs/{JOB}.toml", moving.root / "jobs/words.toml"
    moving.deployed("experiments", parameters={"experiments:OwnCodeInstanceCount": "1"})
    run = moving.launch(JOB, WAITING)
    moving.training(run)

    # renamed without a word: said before the deploy that would take the machine away
    new.write_text(old.read_text())
    old.unlink()
    said = yard("check").stderr
    assert f"The run {run.run_id} goes on, and no file of jobs/ defines {JOB}" in said
    assert f'renamed_from = "{JOB}"' in said
    assert yard("check", "--offline").stderr.startswith("1 job checked: no problems.")

    # renamed: nothing to deploy, and everything is there under both names
    new.write_text(f'renamed_from = "{JOB}"\n{new.read_text()}')
    assert yard("check").stderr.startswith("1 job checked: no problems.")
    assert "no changes" in moving.deploy("experiments").stderr
    assert [row["job"] for row in yard.json("history", "words", "--json")] == ["words"]
    facts = yard.json("status", JOB, "--json")
    assert (facts["job"], facts["run"], facts["status"]) == ("words", run.run_id, "running")
    assert yard.json("train", "words", "--dry-run", "--json")["sources"]["instance_count"] == "parameter"

    # removed: its run is still found, named and stopped, and known when its machine is gone
    (moving.root / "jobs/kept.toml").write_text(new.read_text().replace(f'renamed_from = "{JOB}"', ""))
    new.unlink()
    assert run.run_id in yard("status").stderr
    assert [row["name"] for row in yard.json("sweep", "--json")["findings"]] == [run.run_id]
    assert f"Stopping {JOB}, run {run.run_id}" in yard("stop", run.run_id, "--yes").stderr
    wait_until(lambda: moving.attempts(run)[0]["TrainingJobStatus"] == "Stopped", "the stop")
    moving.deployed("experiments")
    assert [(row["job"], row["status"]) for row in yard.json("history", JOB, "--json")] == [(JOB, "aborted")]
    assert [row["run"] for row in yard.json("history", "--json")] == [run.run_id]
    assert yard.json("status", run.run_id, "--json")["status"] == "aborted"
    assert yard.json("sweep", "--json")["findings"] == []
