"""A search from its job's file to its receipt, with the real command: deployed, run, watched, drawn."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.cloud.house import wait_until
from tests.support.cloud.own_project import OwnProject
from tests.support.cloud.yard_command import Yard
from yard.errors import Exit
from yard.runs import runs
from yard.tuning import searches

pytestmark = pytest.mark.e2e

JOB = """\
stack = "searches"

[image]
folder = "pytorch"

[source]
dir = "experiments"

[program]
entry = "search.py"
launcher = "plain"

[compute]
instance_type = "ml.m5.large"
volume = "5GB"

[limits]
max_runtime = "10m"

[[metrics]]
name = "distance"
regex = 'distance=([0-9.]+)'

[[metrics]]
name = "unprinted"
regex = 'unprinted=([0-9.]+)'

[tuning]
max_jobs = 4
max_parallel = 2
seed = 1
objective = { metric = "OBJECTIVE" }

[tuning.ranges.place]
type = "continuous"
min = 0.0
max = 1.0

[tuning.ranges.name]
type = "categorical"
values = ["a", "b"]
"""
AFTER = """
[tuning.retrain]
enabled = true
hyperparameters = { again = true }
"""
SCRIPT = """\
import argparse
import os
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--place", type=float, required=True)
parser.add_argument("--name", required=True)
parser.add_argument("--again", default="false")
given = parser.parse_args()
print(f"distance={abs(given.place - 0.3):.6f}", flush=True)
(Path(os.environ["SM_MODEL_DIR"]) / "x.txt").write_text(f"{given.place} {given.again}")
"""


@pytest.fixture(scope="module")
def project(research: OwnProject) -> Iterator[OwnProject]:
    """The second project with three searches: one looks for what its program never prints, one is long."""
    (research.root / "experiments/search.py").write_text(SCRIPT)
    good = JOB.replace("OBJECTIVE", "distance").replace("seed = 1", "seed = 1\nregister = true")
    (research.root / "jobs/tuned.toml").write_text(good + AFTER)
    blind = JOB.replace("OBJECTIVE", "unprinted").replace("max_jobs = 4", "max_jobs = 12")
    (research.root / "jobs/blind.toml").write_text(blind)
    long = JOB.replace("OBJECTIVE", "distance").replace("max_jobs = 4", "max_jobs = 100")
    (research.root / "jobs/long.toml").write_text(long)
    research.deployed("training", "searches")
    yield research
    # it uses what the next deployment of this project, without searches, no longer exports
    gone = research.cloud.cdk("destroy", f"{research.root.name}-dev-searches", "--force", root=research.root)
    assert gone.returncode == 0, gone.stdout + gone.stderr
    for name in ("tuned", "blind", "long"):
        (research.root / f"jobs/{name}.toml").unlink()
    (research.root / "experiments/search.py").unlink()  # it would change the hash of another job's code


@pytest.fixture(scope="module")
def yard(project: OwnProject) -> Yard:
    return Yard(env=project.cloud.env, folder=project.root)


@pytest.fixture(scope="module")
def found(yard: Yard, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the command printed of a search that goes well, and where its picture is."""
    plot = tmp_path_factory.mktemp("plot") / "search.html"
    said: dict[str, Any] = yard.json("tune", "tuned", "--yes", "--follow", "--json", "--plot", str(plot))
    return {**said, "plot": plot}


def test_a_search_finds_the_best_of_its_trials(found: dict[str, Any]) -> None:
    search = found["search"]
    assert (found["status"], search["status"]) == ("SUCCEEDED", "Completed")
    values = {trial["name"]: trial["objective"] for trial in search["trials"]}
    assert len(values) == 4 and all(trial["status"] == "Completed" for trial in search["trials"])
    assert search["best"] == min(values, key=lambda name: values[name])
    for trial in search["trials"]:
        assert trial["objective"] == pytest.approx(abs(float(trial["hyperparameters"]["place"]) - 0.3), abs=1e-5)
        assert trial["hyperparameters"]["name"] in ("a", "b")
    assert found["plan"]["worst_case"]["usd"] > 0


def test_its_receipt_has_every_trial_and_what_came_after(found: dict[str, Any], project: OwnProject) -> None:
    receipt = runs.receipt(project.aws, found["run"])
    assert receipt["outcome"] == "Completed" and receipt["attempt_count"] == 4
    # a trial of a second costs less than the ten thousandth of a dollar that a receipt tells
    assert receipt["billable_seconds"] > 0 and 0 <= receipt["cost_usd"] <= receipt["worst_case_usd"]
    assert [trial["name"] for trial in receipt["tuning"]["trials"]] == [
        one["name"] for one in found["search"]["trials"]
    ]
    assert receipt["model"].endswith(f"tuned-trials/{found['search']['best']}/output/model.tar.gz")
    assert receipt["model_package_arn"] is not None
    assert receipt["tuning"]["retraining"]["status"] == "SUCCEEDED"
    again = runs.find(project.aws, receipt["tuning"]["retraining"]["run_id"])
    assert again.job == "tuned"
    best = next(one for one in found["search"]["trials"] if one["name"] == found["search"]["best"])
    hyperparameters = runs.receipt(project.aws, again.run_id)["settings"]["hyperparameters"]
    assert hyperparameters == {
        "place": float(best["hyperparameters"]["place"]),
        "name": best["hyperparameters"]["name"],
        "again": True,
    }


def test_its_picture_opens_without_a_network(found: dict[str, Any]) -> None:
    text = Path(found["plot"]).read_text()
    assert "distance over the trials" in text and found["search"]["best"] in text
    assert "http" not in text.replace("http-equiv", "")


def test_it_is_in_the_history_and_can_be_looked_at_again(found: dict[str, Any], yard: Yard) -> None:
    rows = yard.json("tune", "tuned", "--history", "--json")
    assert [(row["run"], row["trials"], row["status"]) for row in rows] == [(found["run"], 4, "succeeded")]
    shown = yard("tune", "tuned", "--run", "latest")
    assert "best" in shown.stdout and found["search"]["best"] in shown.stdout
    assert yard.json("tune", "tuned", "--run", found["run"], "--json")["search"]["best"] == found["search"]["best"]


def test_its_best_trial_stands_beside_the_training_after_it(
    found: dict[str, Any], yard: Yard, project: OwnProject
) -> None:
    again = runs.receipt(project.aws, found["run"])["tuning"]["retraining"]["run_id"]
    trial, run = yard.json("compare", found["run"], again, "--json")
    assert (trial["run_id"], run["run_id"]) == (found["search"]["best"], again)
    assert trial["settings"]["place"] == run["settings"]["place"]
    assert "again" not in trial["settings"] and run["settings"]["again"] is True


def test_a_search_for_what_no_program_prints_is_ended_early(yard: Yard, project: OwnProject) -> None:
    ended = yard("tune", "blind", "--yes", "--follow", code=Exit.JOB_FAILED)
    assert "ObjectiveNotFound" in ended.stderr
    assert "has completed and printed no unprinted, the objective of the search" in " ".join(ended.stderr.split())
    receipt = runs.receipt(project.aws, searches.find(project.aws, "blind", searches.NEWEST).run_id)
    assert len(receipt["tuning"]["trials"]) < 12, "the search ended before its last trial"


def test_a_stopped_search_keeps_its_receipt(yard: Yard, project: OwnProject) -> None:
    begun = yard.json("tune", "long", "--yes", "--no-follow", "--json")
    run = searches.find(project.aws, "long", begun["run"])
    sagemaker = project.aws.client("sagemaker")
    found = {"NameContains": searches.tuning_job(project.aws, run)}
    wait_until(
        lambda: bool(sagemaker.list_hyper_parameter_tuning_jobs(**found)["HyperParameterTuningJobSummaries"]),
        "the search's beginning",
    )
    yard("tune", "long", "--stop", "--run", begun["run"])
    ended = project.finish(run)
    assert ended.error == "Stopped"
    assert runs.receipt(project.aws, begun["run"])["outcome"] == "Stopped"


def test_a_plan_costs_nothing(yard: Yard) -> None:
    plan = yard.json("tune", "tuned", "--dry-run", "--json")
    assert plan["tuning"]["max_jobs"] == 4
    assert any("4 trials x" in line for line in plan["worst_case"]["lines"])
    refused = yard("tune", "own-code", "--dry-run", code=Exit.FIX)
    assert "the job own-code has no search ([tuning] in its file)" in refused.stderr
    assert json.dumps(plan)
