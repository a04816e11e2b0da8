"""A job of the service's own AutoML from its file to its receipt, with the real command, on the stand-in."""

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.cloud.house import wait_until
from tests.support.cloud.own_project import OwnProject
from tests.support.cloud.yard_command import Yard
from yard.errors import Exit
from yard.runs import runs

pytestmark = pytest.mark.e2e

JOB = """\
kind = "automl"
stack = "tables"
objective = "Accuracy"

[compute]
instance_type = "ml.m5.4xlarge"

[inputs.training]
s3 = "tables/points/"

[tabular]
target = "size"
problem = "BinaryClassification"

[candidates]
count = COUNT
max_runtime = "5m"

[limits]
max_runtime = "30m"

[cost]
cap_usd = CAP
"""
JOBS = (("points", "2", "5"), ("long", "200", "500"), ("dear", "200", "5"))
"""Their names, numbers of candidates and caps."""
_COUNTS = ("runs", "without_receipt", "unpriced")


@pytest.fixture(scope="module")
def project(research: OwnProject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnProject]:
    """The second project with two such jobs, and a table in its bucket."""
    for name, count, cap in JOBS:
        (research.root / f"jobs/{name}.toml").write_text(JOB.replace("COUNT", count).replace("CAP", cap))
    research.deployed("training", "tables")
    dice = random.Random(0)
    rows = [(dice.random(), dice.random()) for _ in range(80)]
    lines = [f"{a:.4f},{b:.4f},{'big' if a + b > 1 else 'small'}" for a, b in rows]
    folder = tmp_path_factory.mktemp("table")
    (folder / "points.csv").write_text("\n".join(["a,b,size", *lines]))
    research.put(folder, "tables/points/")
    yield research
    gone = research.cloud.cdk("destroy", f"{research.root.name}-dev-tables", "--force", root=research.root)
    assert gone.returncode == 0, gone.stdout + gone.stderr
    for name, _, _ in JOBS:
        (research.root / f"jobs/{name}.toml").unlink()


@pytest.fixture(scope="module")
def yard(project: OwnProject) -> Yard:
    return Yard(env=project.cloud.env, folder=project.root)


@pytest.fixture(scope="module")
def run(yard: Yard, project: OwnProject) -> runs.Run:
    return runs.find(project.aws, yard.json("run", "points", "--yes", "--follow", "--json")["run"])


def test_its_plan_counts_every_candidate(yard: Yard) -> None:
    plan: dict[str, Any] = yard.json("run", "points", "--dry-run", "--json")
    assert plan["candidates"] == {"count": 2, "max_runtime_seconds": 300}
    assert 0 < plan["worst_case"]["usd"] <= 5


def test_its_receipt_names_the_best_candidate_and_what_its_jobs_cost(run: runs.Run, project: OwnProject) -> None:
    receipt = project.receipt(run)
    assert (receipt["outcome"], receipt["kind"]) == ("Completed", "automl")
    assert receipt["metrics"]["Accuracy"] > 0.7
    assert receipt["automl"]["best"] and receipt["automl"]["jobs"] == 3, "two candidates and the stack"
    assert receipt["cost_usd"] >= 0 and receipt["billable_seconds"] > 0
    assert any("stands in" in said for said in receipt["automl"]["said"]), "the stand-in is told as one"
    assert project.mail(run.run_id)


def test_the_commands_know_it(run: runs.Run, yard: Yard, tmp_path: Path) -> None:
    assert "Candidates: 3 of 3 completed; the best is" in yard("receipt", run.run_id).stdout
    (row,) = (row for row in yard.json("history", "points", "--json") if row["run"] == run.run_id)
    assert row["status"] == "succeeded"
    assert yard.json("status", run.run_id, "--json")["status"] == "succeeded"
    printed = yard("logs", run.run_id).stdout.splitlines()
    assert {line.partition(" algo-1 ")[0] for line in printed} == {f"candidate {number}" for number in (1, 2, 3)}
    yard("model", "get", run.run_id, "--to", str(tmp_path / "model"))
    assert any(path.is_file() for path in (tmp_path / "model").rglob("*"))


def spent(yard: Yard, job: str) -> Counter[str]:
    """The month's row of a job: other tests of this project may have launched one of its name."""
    rows = (row for row in yard.json("cost", "--json")["jobs"] if row["job"] == job)
    return Counter({key: value for row in rows for key, value in row.items() if key in _COUNTS})


def test_a_stopped_one_has_its_candidates_stopped(yard: Yard, project: OwnProject) -> None:
    before = spent(yard, "long")
    run = runs.find(project.aws, yard.json("run", "long", "--yes", "--json")["run"])
    client = project.aws.client("sagemaker")

    def ours() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = client.list_auto_ml_jobs(NameContains="long-")["AutoMLJobSummaries"]
        return found

    wait_until(lambda: any(one["AutoMLJobStatus"] == "InProgress" for one in ours()), "the AutoML job's start")
    yard("stop", run.run_id, "--yes")
    wait_until(lambda: all(one["AutoMLJobStatus"] == "Stopped" for one in ours()), "the AutoML job's stop")
    wait_until(
        lambda: not client.list_training_jobs(NameContains="long-", StatusEquals="InProgress")["TrainingJobSummaries"],
        "the end of its candidates",
    )
    found = spent(yard, "long")
    assert {key: found[key] - before[key] for key in _COUNTS} == {"runs": 1, "without_receipt": 1, "unpriced": 0}


def test_a_launch_beyond_the_cap_is_refused_before_anything_starts(yard: Yard, project: OwnProject) -> None:
    before = len(project.aws.client("sagemaker").list_auto_ml_jobs()["AutoMLJobSummaries"])
    said = yard("run", "dear", "--yes", code=Exit.FIX).stderr
    assert "dear can cost up to" in said and "the cap is 5.00 USD" in said
    assert len(project.aws.client("sagemaker").list_auto_ml_jobs()["AutoMLJobSummaries"]) == before
