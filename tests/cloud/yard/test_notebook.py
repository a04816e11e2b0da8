"""A notebook's run from launch to model, in a process of its own, by the code of the command."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cloud.house import House
from tests.support.cloud.yard_command import ROOT, Yard

pytestmark = pytest.mark.e2e

CELLS = """
import json, sys
from yard import find, train

quick = {"epochs": 1, "width": 32, "log_steps": 1}
run = train("mnist-ddp", hyperparameters=quick, name="from a notebook", tags={"owner": "ann"}, cap_usd=5)
same = find(run.run_id)
run.wait(timeout_seconds=300)
stopped = train("mnist-ddp", hyperparameters={**quick, "epochs": 500})
stopped.stop()
print(json.dumps({
    "run": run.run_id, "status": same.status, "steps": [row["step"] for row in run.metrics()],
    "lines": len(run.logs(node=1)), "drawn": run._repr_html_().count("<polyline"),
    "model": str(run.model(sys.argv[1])), "cost": run.receipt()["cost_usd"],
    "other": stopped.wait(check=False).status,
}))
"""


def test_a_notebook_trains_watches_and_fetches(shipped: House, tmp_path: Path) -> None:
    yard = Yard(env=shipped.cloud.env)
    done = subprocess.run(
        [sys.executable, "-c", CELLS, str(tmp_path)],
        cwd=ROOT,
        env=yard.environment(),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["status"] == "succeeded" and found["other"] == "aborted"
    assert found["steps"] == sorted(found["steps"]) and len(found["steps"]) > 3
    assert found["lines"] > 3 and found["drawn"] > 3 and found["cost"] > 0
    assert (Path(found["model"]) / "model.json").is_file()
    (row,) = (row for row in yard.json("history", "--search", "from a notebook", "--json"))
    assert (row["run"], row["tags"]) == (found["run"], {"owner": "ann"})
