"""A TensorFlow run: taken back by spot it equals the one that nothing happened to; compared with PyTorch's."""

from collections.abc import Iterator

import pytest

from tests.support.cloud.house import House, wait_until
from yard.runs import runs
from yard.runs.comparison import differing, read_curve

pytestmark = pytest.mark.e2e
INTERRUPT_AT_STEP = 12
LAUNCH = {
    "hyperparameters": {"max_steps": 60, "batch_size": 16, "width": 64, "checkpoint_steps": 5, "log_steps": 1},
    "instance_type": "ml.m5.xlarge",
}


@pytest.fixture(scope="module")
def quiet(shipped: House) -> runs.Run:
    """The run that nothing disturbs."""
    shipped.push_image("tensorflow")
    return shipped.succeed("tf-mnist", LAUNCH)


@pytest.fixture(params=["fair", "pessimistic"])
def weather(request: pytest.FixtureRequest, shipped: House) -> Iterator[str]:
    shipped.cloud.admin("weather", preset=request.param)
    yield request.param
    shipped.cloud.admin("weather", preset="fair")


@pytest.mark.usefixtures("weather")
def test_an_interrupted_run_equals_the_undisturbed_one(shipped: House, quiet: runs.Run) -> None:
    run = shipped.launch("tf-mnist", LAUNCH)
    wait_until(
        lambda: (
            any(step >= INTERRUPT_AT_STEP for step, _ in shipped.losses(run))
            or runs.refresh(shipped.aws, run)[0].status != "RUNNING"
        ),
        f"step {INTERRUPT_AT_STEP} of {run.run_id}",
    )
    shipped.cloud.admin("interrupt", job=shipped.attempts(run)[-1]["TrainingJobName"])
    ended = shipped.finish(run)
    assert ended.status == "SUCCEEDED", shipped.story(ended)
    assert sum(attempt["interruptions"] for attempt in shipped.receipt(run)["attempts"]) == 1
    assert shipped.losses(run) == shipped.losses(quiet)
    assert shipped.weights(run) == shipped.weights(quiet)


def test_a_comparison_across_frameworks_names_what_differs(
    shipped: House, undisturbed: runs.Run, quiet: runs.Run
) -> None:
    torch, tensorflow = (read_curve(shipped.aws, run) for run in (undisturbed, quiet))
    differences = dict(differing([torch, tensorflow]))
    assert differences["launcher"] == ["torchrun", "tensorflow"]
    assert "pytorch" in str(differences["image"][0]) and "tensorflow" in str(differences["image"][1])
    for curve in (torch, tensorflow):
        loss = curve.last("loss")
        assert loss is not None and 0 < loss < curve.points[0].metrics["loss"]
