"""Spot capacity that never comes: SageMaker waits without an error, and the launch gives up before it does."""

from collections.abc import Iterator

import pytest

from tests.support.cloud.own_project import OwnProject
from tests.support.cloud.yard_command import Yard

pytestmark = pytest.mark.e2e
JOB = "on-spot"
NEVER, ALSO_NEVER, THERE = "ml.m5.2xlarge", "ml.m5.4xlarge", "ml.m5.large"
_DEFINITION = f"""\
stack = "experiments"

[image]
folder = "pytorch"

[source]
dir = "experiments"

[program]
entry = "train.py"
launcher = "torchrun"

[compute]
instance_type = "{NEVER}"
volume = "5GB"

[[compute.fallback]]
instance_type = "{ALSO_NEVER}"

[[compute.fallback]]
instance_type = "{THERE}"
on_demand = true

[limits]
max_runtime = "1h"

[spot]
enabled = true
give_up = "2s"

[checkpoints]
enabled = true

[cost]
cap_usd = 5
"""


@pytest.fixture(scope="module")
def project(research: OwnProject) -> Iterator[OwnProject]:
    """The project with a job on spot, in a cloud without the capacity for it."""
    file = research.root / f"jobs/{JOB}.toml"
    file.write_text(_DEFINITION)
    research.deployed("training", "experiments")  # the first has what all jobs share
    for kind in (NEVER, ALSO_NEVER, THERE):
        for use in ("training job usage", "spot training job usage"):
            research.cloud.admin("quota", name=f"{kind} for {use}", value=1)
    for kind in (NEVER, ALSO_NEVER):
        research.cloud.admin("capacity", instance_type=kind, count=0)
    yield research
    for kind in (NEVER, ALSO_NEVER):
        research.cloud.admin("capacity", instance_type=kind)
    file.unlink()
    # the job alone used a function of the stack that all share: that goes in two steps
    said = Yard(env=research.cloud.env, folder=research.root)("move", "--yes").stdout
    assert "experiments stops using what research-dev-training is to lose" in said


def test_spot_that_never_comes_falls_back_and_at_last_runs_on_demand(project: OwnProject) -> None:
    run = project.succeed(JOB, {})

    jobs = project.attempts(run)
    assert [job["ResourceConfig"]["InstanceType"] for job in jobs] == [NEVER, ALSO_NEVER, THERE]
    assert [job["EnableManagedSpotTraining"] for job in jobs] == [True, True, False]
    assert [job["TrainingJobStatus"] for job in jobs] == ["Stopped", "Stopped", "Completed"]
    assert all("TrainingStartTime" not in job for job in jobs[:2])

    receipt, mail = project.receipt(run), project.mail(run.run_id)
    first, second = (step["why"] for step in receipt["steps"])
    assert first.startswith("No spot capacity within ") and first.endswith(f"for {NEVER}; trying {ALSO_NEVER}.")
    assert second.endswith(f"for {ALSO_NEVER}; trying {THERE} on demand.")
    assert first in mail["text"] and second in mail["text"]
    assert [attempt["billable_seconds"] for attempt in receipt["attempts"]][:2] == [0, 0]
