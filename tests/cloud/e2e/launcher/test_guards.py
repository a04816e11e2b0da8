"""[guards] in the embedded cloud, from the job's file to the receipt."""

import pytest

from tests.support.cloud.own_project import JOB, OwnProject

pytestmark = pytest.mark.e2e
_GUARDS = """
[guards]
stop_on_nan = true
longest_silence = "12s"
"""
_SCRIPT = """\
import os
import time

def load():
    time.sleep(3600)

for step in range(1, 100):
    print("step", step, "loss", "nan" if "NAN" in os.environ and step == 3 else 0.5, flush=True)
    time.sleep(0.1)
    if "HANG" in os.environ and step == 3:
        load()
"""


@pytest.fixture(scope="module")
def guarded(research: OwnProject) -> OwnProject:
    """The project with one more job."""
    definition = (research.root / f"jobs/{JOB}.toml").read_text().replace("train.py", "hangs.py")
    (research.root / "jobs/guarded.toml").write_text(definition.replace("count = 2", "count = 1") + _GUARDS)
    (research.root / "experiments/hangs.py").write_text(_SCRIPT)
    research.deployed()
    return research


@pytest.mark.parametrize(
    ("variable", "says"),
    [
        ("HANG", 'it is at File "/opt/ml/code/hangs.py", line 5 in load'),
        ("NAN", "the loss is nan at step 3, as rank 0 printed (stop_on_nan)"),
    ],
)
def test_a_guard_ends_the_run_with_its_sentence_everywhere(guarded: OwnProject, variable: str, says: str) -> None:
    ended = guarded.run("guarded", {"environment": {variable: "1"}})
    assert (ended.status, ended.error) == ("FAILED", "GuardEndedRun")
    (job,) = guarded.attempts(ended.run)  # the same program would come to it again
    assert says in job["FailureReason"] and job["FailureReason"].endswith("exit code: 79")
    assert says in guarded.receipt(ended.run)["cause"]
    assert guarded.receipt(ended.run)["settings"]["stop_on_nan"] == "1"
    if variable == "HANG":
        assert any("most recent call first" in line.text for line in guarded.lines(ended.run)), "the stacks"
