"""Runs that something happens to: capacity taken back, capacity that is not there."""

from collections.abc import Iterator

import pytest

from tests.support.cloud.house import DISTURBABLE, House, wait_until
from tests.support.spec.small_jobs import SMALL
from yard.runs import runs

pytestmark = pytest.mark.e2e
INTERRUPT_AT_STEP = 8


@pytest.fixture(params=["fair", "pessimistic, told", "pessimistic"])
def weather(request: pytest.FixtureRequest, shipped: House) -> Iterator[str]:
    """In which a run is interrupted; `told` gives the containers their SIGTERM, which AWS does not exclude either."""
    preset, _, told = request.param.partition(", ")
    shipped.cloud.admin("weather", preset=preset, **({"spot_notice": "sigterm"} if told else {}))
    yield request.param
    shipped.cloud.admin("weather", preset="fair")


def test_an_interrupted_spot_run_equals_the_undisturbed_one(
    undisturbed: runs.Run, shipped: House, weather: str
) -> None:
    run = shipped.launch("mnist-ddp", DISTURBABLE)
    wait_until(
        lambda: (
            any(step >= INTERRUPT_AT_STEP for step, _ in shipped.losses(run))
            or runs.refresh(shipped.aws, run)[0].status != "RUNNING"
        ),
        f"step {INTERRUPT_AT_STEP} of {run.run_id}",
    )
    name = shipped.attempts(run)[-1]["TrainingJobName"]
    shipped.cloud.admin("interrupt", job=name)
    ended = shipped.finish(run)
    assert ended.status == "SUCCEEDED", shipped.story(ended)

    attempts = shipped.attempts(run)
    steps = [step["Status"] for job in attempts for step in job["SecondaryStatusTransitions"]]
    assert "Interrupted" in steps
    saved = [line for line in shipped.lines(run) if "launcher: interrupted: " in line.text and "exit 75" in line.text]
    # Who ends first has seen every node's part in S3; the service may end the others before they say so.
    assert bool(saved) == (weather != "pessimistic"), "a launcher says so where it is told"
    assert sum(attempt["interruptions"] for attempt in shipped.receipt(run)["attempts"]) == 1
    assert shipped.losses(run) == shipped.losses(undisturbed)
    assert shipped.weights(run) == shipped.weights(undisturbed)
    assert "Its spot capacity was taken back." in shipped.mail(f"{name} was interrupted")["text"]


@pytest.fixture
def no_g5(shipped: House) -> Iterator[None]:
    shipped.cloud.admin("capacity", instance_type="ml.g5.12xlarge", count=0)
    yield
    shipped.cloud.admin("capacity", instance_type="ml.g5.12xlarge")


@pytest.mark.usefixtures("no_g5")
def test_a_run_without_capacity_falls_back_to_the_second_type(shipped: House) -> None:
    hyperparameters = {**SMALL["gpt-ddp"]["hyperparameters"], "max_steps": 4}
    run = shipped.succeed("gpt-ddp", {"spot": False, "hyperparameters": hyperparameters})

    first, second = shipped.attempts(run)
    assert first["TrainingJobStatus"] == "Failed"
    assert first["FailureReason"].startswith("CapacityError")
    assert second["TrainingJobStatus"] == "Completed"
    assert first["ResourceConfig"]["InstanceType"] == "ml.g5.12xlarge"
    assert second["ResourceConfig"]["InstanceType"] == "ml.g6.12xlarge"
    assert [job["TrainingJobName"].rpartition("-")[2] for job in (first, second)] == ["1", "2"]
    assert first["CheckpointConfig"] == second["CheckpointConfig"]
    # the batch size that belongs to the other type came with it
    assert [job["HyperParameters"]["batch_size"] for job in (first, second)] == ["4", "8"]

    receipt = shipped.receipt(run)
    assert receipt["attempt_count"] == 2
    assert receipt["steps"][0]["why"] == "No capacity for ml.g5.12xlarge; trying ml.g6.12xlarge."
    assert [one["status"] for one in receipt["attempts"]] == ["Failed", "Completed"]
    assert receipt["attempts"][0]["cost_usd"] == 0
