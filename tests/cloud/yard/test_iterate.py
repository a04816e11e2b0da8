"""Again and again: a run that starts anew on a saved file, and several launches within one budget."""

import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.cloud.house import wait_until
from tests.support.cloud.own_project import JOB, OwnProject
from tests.support.cloud.yard_command import COMMAND, Yard, heed_ctrl_c

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def yard(research: OwnProject) -> Yard:
    return Yard(env=research.cloud.env, folder=research.root)


def test_a_saved_file_starts_the_run_again(yard: Yard, research: OwnProject, tmp_path: Path) -> None:
    said = tmp_path / "said"
    with said.open("w") as out:
        process = subprocess.Popen(
            [*COMMAND, "train", JOB, "--watch"],
            cwd=yard.folder,
            env=yard.environment(PYTHONUNBUFFERED="1"),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            preexec_fn=heed_ctrl_c,
        )
        try:
            wait_until(lambda: said.read_text().count("-- first step") == 1, "the first step")
            research.write_script("second")
            wait_until(lambda: said.read_text().count("-- first step") == 2, "the first step after the save")
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)
    text = said.read_text()
    assert re.search(r"-- first step \d+\.\d s after the save", text)
    assert text.index("-- saved: train.py") < text.rindex("Launched own-code, run ")
    time.sleep(1)
    assert not any(row["status"] == "running" for row in yard.json("history", JOB, "--json")), "Ctrl-C stops it"


def test_a_queue_runs_all_and_holds_its_budget(yard: Yard) -> None:
    launches = (f"{JOB} --name one", f"{JOB} --name two --count 1", f"{JOB} --max-runtime 24h --cap 50")
    found = yard.json("queue", *launches, "--at-once", "2", "--budget", "4", "--yes", "--json", code=3)
    assert [row["status"] for row in found] == ["succeeded", "succeeded", "not launched"]
    assert "of the budget of 4.00 USD are left" in found[2]["why"]
    assert {row["name"] for row in yard.json("history", JOB, "--limit", "2", "--json")} == {"one", "two"}
