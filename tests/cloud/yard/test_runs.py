"""A run from launch to receipt with the real command: followed, stopped, resumed, refused, compared."""

import json
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from contract.saves import FILES_AT_START_LINE
from tests.support.cloud.house import DISTURBABLE, House, wait_until
from tests.support.cloud.yard_command import COMMAND, Yard, heed_ctrl_c
from yard.errors import Exit
from yard.runs import runs

pytestmark = pytest.mark.e2e

QUICK = ("--set", "epochs=1", "--set", "width=32", "--set", "log_steps=1", "--yes")
LONG = [f"--set={name}={value}" for name, value in DISTURBABLE["hyperparameters"].items()]


@pytest.fixture(scope="module")
def yard(shipped: House) -> Yard:
    return Yard(env=shipped.cloud.env)


@pytest.fixture(scope="module")
def followed(yard: Yard) -> subprocess.CompletedProcess[str]:
    """A launch that is followed to its end, in a pipe."""
    return yard("train", "mnist-ddp", *QUICK, "--follow", "--name", "the first", "--tag", "owner=ann")


@pytest.fixture(scope="module")
def run_id(followed: subprocess.CompletedProcess[str]) -> str:
    found = re.search(rf"run ({runs.RUN_ID})", followed.stderr)
    assert found is not None
    return found[1]


def test_a_pipe_gets_the_lines_and_none_of_torchs_about_names(followed: subprocess.CompletedProcess[str]) -> None:
    assert re.search(r"^algo-1  .*metric step=\d+", followed.stdout, re.M)
    assert "hostname of the client socket" not in followed.stdout
    assert "worst case" in followed.stdout
    for phase in ("-- training", "-- succeeded"):
        assert phase in followed.stderr


def test_the_receipt_is_for_people_and_for_programs(yard: Yard, run_id: str) -> None:
    text = yard("receipt", run_id).stdout
    assert text.startswith(f"mnist-ddp, run {run_id}: completed.")
    assert "Spot saved" in text
    assert "accuracy " in text
    assert "{" not in text
    whole = yard.json("receipt", "mnist-ddp", "--json")
    assert whole["run_id"] == run_id
    assert {"Python", "torch"} <= whole["versions"].keys()
    assert f"torch {whole['versions']['torch']}" in text


def test_history_and_status_know_it(yard: Yard, run_id: str) -> None:
    row = next(row for row in yard.json("history", "mnist-ddp", "--json") if row["run"] == run_id)
    assert row["status"] == "succeeded"
    assert row["cost_usd"] > 0
    assert 0 < row["accuracy"] <= 1
    assert yard.json("status", run_id, "--json")["phase"] == "Completed"


def test_what_people_say_of_it_is_kept_and_found(yard: Yard, run_id: str) -> None:
    yard("note", run_id, "it ran in bad weather", "--tag", "baseline")
    assert yard.json("note", run_id, "--json")["tags"] == {"owner": "ann", "baseline": ""}
    for words in (("--tag", "owner=ann"), ("--search", "BAD weather"), ("--search", "the first", "--tag", "baseline")):
        assert [row["run"] for row in yard.json("history", *words, "--json")] == [run_id]
    assert yard.json("history", "--tag", "owner=bob", "--json") == []
    assert yard("receipt", run_id).stdout.rstrip().endswith("it ran in bad weather")
    assert yard.json("receipt", run_id, "--json")["about"]["name"] == "the first"


def test_lines_of_one_node(yard: Yard, run_id: str) -> None:
    lines = [json.loads(line) for line in yard("logs", run_id, "--node", "1", "--json").stdout.splitlines()]
    assert lines and {line["host"] for line in lines} == {"algo-1"}
    (line,) = yard("logs", run_id, "--node", "2").stdout.splitlines()
    assert line.endswith(f"{FILES_AT_START_LINE}0"), "only the first rank reports, and torch has no complaint"
    assert "has 2 nodes, and no node 3." in yard("logs", run_id, "--node", "3", code=Exit.FIX).stderr
    found = yard("logs", run_id, "--grep", "metric step=1 ").stdout.splitlines()
    assert found and all("metric step=1 " in line for line in found)
    assert yard("logs", run_id, "--since", "1s").stdout == ""


def test_the_model_comes_home(yard: Yard, run_id: str, tmp_path: Path) -> None:
    found = yard.json("model", "get", run_id, "--to", str(tmp_path), "--json")
    assert any(name.endswith("model.json") for name in found["files"])


def test_its_checkpoints_come_home_and_what_it_did_not_write_is_said(yard: Yard, run_id: str, tmp_path: Path) -> None:
    kept = yard.json("checkpoints", "ls", run_id, "--json")
    assert [row["latest"] for row in kept] == [False] * (len(kept) - 1) + [True]
    found = yard.json("checkpoints", "get", run_id, "--to", str(tmp_path), "--json")
    assert found["checkpoint"] == kept[-1]["checkpoint"]
    assert sum(Path(name).stat().st_size for name in found["files"]) == kept[-1]["size"]
    assert "known: step-" in yard("checkpoints", "get", run_id, "step-1", code=Exit.FIX).stderr
    assert "wrote nothing into SM_OUTPUT_DATA_DIR" in yard("outputs", "get", run_id, code=Exit.FIX).stderr


def test_runs_side_by_side(yard: Yard, run_id: str, tmp_path: Path) -> None:
    said = json.loads(yard("train", "mnist-ddp", *QUICK, "--set", "seed=2", "--follow", "--json").stdout)
    assert said["status"] == "SUCCEEDED"
    table = yard("compare", run_id, said["run"], "--plot", str(tmp_path / "runs.html")).stdout
    assert re.search(r"^seed +1 +2 *$", table, re.M)
    assert "epochs" not in table
    assert "<polyline" in (tmp_path / "runs.html").read_text()
    wishes = ("--by", "epoch", "--smooth", "0.5", "--to", str(tmp_path / "plot.html"))
    drawn = yard.json("plot", run_id, said["run"], *wishes, "--json")
    assert {"Loss by epoch", "Throughput by epoch"} <= set(drawn["charts"])
    assert "stroke-opacity" in (tmp_path / "plot.html").read_text()
    assert "No run printed los" in yard("plot", run_id, "--metric", "los", code=Exit.FIX).stderr
    assert "There is nothing to compare" in yard("compare", run_id, code=Exit.USAGE).stderr


def begin(yard: Yard, shipped: House) -> dict[str, Any]:
    """Launch without following, and wait until it has saved a checkpoint."""
    said: dict[str, Any] = yard.json("train", "mnist-ddp", *LONG, "--yes", "--no-follow", "--json")
    run = runs.find(shipped.aws, said["run"])
    wait_until(lambda: any("step=7 " in line.text for line in shipped.lines(run)), f"step 7 of {run.run_id}")
    return said


def test_a_stopped_run_goes_on_under_its_id(yard: Yard, shipped: House, undisturbed: runs.Run) -> None:
    run_id = begin(yard, shipped)["run"]
    assert f"yard resume {run_id}" in yard("stop", run_id, "--yes").stderr
    wait_until(lambda: not _running(shipped, run_id), f"the end of {run_id}")
    assert "is not running" in yard("stop", run_id, "--yes", code=Exit.FIX).stderr
    again = yard("resume", run_id, "--max-runtime", "50m", "--yes", "--follow", "--json")
    assert re.search(r"It goes on from step \d+, or from an earlier save", again.stderr), again.stderr
    resumed = json.loads(again.stdout)
    assert resumed["plan"]["max_runtime_seconds"] == 3000
    assert (resumed["run"], resumed["status"]) == (run_id, "SUCCEEDED")
    steps = [step for step, _ in sorted(shipped.losses(runs.find(shipped.aws, run_id)))]
    assert len(steps) == len(set(steps)), "a step has two losses"
    assert shipped.weights(runs.find(shipped.aws, run_id)) == shipped.weights(undisturbed)
    assert "has succeeded" in yard("resume", run_id, "--yes", code=Exit.FIX).stderr


def _running(shipped: House, run_id: str) -> bool:
    jobs = shipped.attempts(runs.find(shipped.aws, run_id))
    return any(job["TrainingJobStatus"] in ("InProgress", "Stopping") for job in jobs)


def test_ctrl_c_leaves_it_running_where_nobody_can_be_asked(yard: Yard, shipped: House) -> None:
    process = subprocess.Popen(
        [*COMMAND, "train", "mnist-ddp", *LONG, "--yes", "--follow"],
        cwd=yard.folder,
        env=yard.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_ctrl_c,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("algo-"):
            break
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == Exit.INTERRUPTED
    assert "The run continues." in said
    run = runs.latest(shipped.aws, "mnist-ddp")
    assert run.status == "RUNNING"
    assert "is still running" in yard("resume", run.run_id, "--yes", code=Exit.FIX).stderr
    yard("stop", run.run_id, "--yes")


def test_a_refused_launch_has_an_exit_code_of_its_own(yard: Yard, shipped: House) -> None:
    name = "ml.g5.2xlarge for spot training job usage"
    before = next(row for row in yard.json("jobs", "--json") if row["job"] == "mnist-ddp")
    assert before["quotas"] == "yes"
    shipped.cloud.admin("quota", name=name, value=0)
    command = ("train", "mnist-ddp", *QUICK, "--instance", "ml.g5.2xlarge", "--follow")
    said = yard(*command, code=Exit.JOB_FAILED).stderr
    assert name in said
