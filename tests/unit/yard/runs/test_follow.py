"""The live view: the phase, the nodes, the progress and the cost, from what the services and the nodes say."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from shardyard.spec.catalogue import prices
from yard.errors import Exit
from yard.runs.follow import exit_code, measure
from yard.runs.logs import Line
from yard.runs.picture import Picture
from yard.runs.view import View

HOURLY_USD = 2 * prices.snapshot_hourly_usd()["ml.g5.xlarge"]


def view() -> View:
    return View(job="gpt", run_id="r", region="us-east-1")


def described(secondary: str, *, status: str = "InProgress", seconds: float | None = None) -> dict[str, Any]:
    now = datetime.now(UTC)
    job: dict[str, Any] = {
        "TrainingJobName": "gpt-r-1",
        "TrainingJobStatus": status,
        "SecondaryStatus": secondary,
        "AlgorithmSpecification": {"MetricDefinitions": [{"Name": "reward", "Regex": "R=([0-9.]+)"}]},
        "ResourceConfig": {"InstanceType": "ml.g5.xlarge", "InstanceCount": 2},
    }
    if seconds is not None:
        job["TrainingStartTime"], job["TrainingEndTime"] = now - timedelta(seconds=seconds), now
    return job


def line(host: str, text: str, at: int = 0) -> Line:
    return Line(at, host, text)


@pytest.mark.parametrize(
    ("secondary", "phase"),
    [
        ("Pending", "waiting for capacity"),
        ("Downloading", "downloading"),
        ("Training", "training"),
        ("Uploading", "uploading"),
        ("Interrupted", "interrupted, waiting for capacity"),
    ],
)
def test_the_phase_is_told_in_words(secondary: str, phase: str) -> None:
    shown = view()
    shown.observe([{}], described(secondary), "RUNNING")
    assert shown.phase == phase


def test_before_there_is_a_training_job_it_is_being_checked() -> None:
    shown = view()
    shown.observe([], None, "RUNNING")
    assert shown.phase == "checking before launch"


def test_there_is_a_row_for_each_node_before_it_says_anything() -> None:
    shown = view()
    shown.observe([{}], described("Starting"), "RUNNING")
    assert set(shown.nodes) == {"algo-1", "algo-2"}


def test_the_cost_grows_with_training_time_alone() -> None:
    shown = view()
    shown.observe([{}], described("Starting"), "RUNNING")
    assert shown.cost_usd == 0
    shown.observe([{}], described("Completed", status="Completed", seconds=1000), "RUNNING")
    assert shown.cost_usd == pytest.approx(1000 * HOURLY_USD / 3600)


def test_progress_and_time_to_go_come_from_the_steps() -> None:
    shown = view()
    assert shown.progress() is None
    now = int(datetime.now(UTC).timestamp() * 1000)
    shown.hear(line("algo-1", "metric step=10 total_steps=100 loss=2.5", now - 10_000))
    shown.hear(line("algo-1", "metric step=20 total_steps=100 loss=2.0", now))
    progress = shown.progress()
    assert progress is not None
    done, left = progress
    assert done == pytest.approx(0.2)
    assert left == pytest.approx(80, rel=0.1)


def test_an_interruption_makes_the_time_to_go_no_longer() -> None:
    shown = view()
    now = int(datetime.now(UTC).timestamp() * 1000)
    for step, ago in ((10, 330), (20, 320), (30, 310), (40, 10), (50, 0)):  # five minutes without capacity
        shown.hear(line("algo-1", f"metric step={step} total_steps=100", now - 1000 * ago))
    progress = shown.progress()
    assert progress is not None
    assert progress[1] == pytest.approx(50, rel=0.1)


def test_the_time_to_go_counts_down_between_two_steps() -> None:
    shown = view()
    now = int(datetime.now(UTC).timestamp() * 1000)
    shown.hear(line("algo-1", "metric step=50 total_steps=100", now - 60_000))
    shown.hear(line("algo-1", "metric step=60 total_steps=100", now - 30_000))
    progress = shown.progress()
    assert progress is not None
    assert progress[1] == pytest.approx(90, rel=0.1)


def test_no_time_to_go_is_shown_while_nothing_trains() -> None:
    shown = view()
    shown.observe([{}], described("Training"), "RUNNING")
    now = int(datetime.now(UTC).timestamp() * 1000)
    for step, ago in ((10, 20), (20, 10)):
        shown.hear(line("algo-1", f"metric step={step} total_steps=100", now - 1000 * ago))
    assert "to go" in drawn(shown)
    shown.observe([{}], described("Interrupted"), "RUNNING")
    assert "20%" in drawn(shown)
    assert "to go" not in drawn(shown)


def drawn(shown: View, width: int = 120) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(Picture(shown))
    return out.getvalue()


def test_an_ordinary_line_is_kept_as_the_last_one() -> None:
    shown = view()
    shown.hear(line("algo-2", "loading data"))
    assert shown.nodes["algo-2"].line == "loading data"
    assert shown.nodes["algo-2"].metrics == {}


def test_the_picture_shows_all_of_it_in_the_order_of_the_nodes() -> None:
    shown = view()
    for host in ("algo-10", "algo-2"):
        shown.hear(line(host, "metric step=10 total_steps=20 loss=2.5 tokens_per_second=8113"))
    text = drawn(shown)
    assert "50%" in text
    assert "2.5000" in text
    assert "8,113" in text
    assert text.index("algo-2 ") < text.index("algo-10")


@pytest.mark.parametrize("width", [80, 100])
def test_a_long_last_line_takes_no_room_from_the_numbers(width: int) -> None:
    shown = view()
    shown.observe([{}], described("Training"), "RUNNING")
    for host in ("algo-1", "algo-2"):
        shown.hear(line(host, "metric step=10 total_steps=20 loss=2.5 tokens_per_second=8113"))
        shown.hear(line(host, "\x1b[2J[c10d] The hostname of the client socket cannot be retrieved. err=-3" * 3))
        shown.nodes[host].utilisation["CPUUtilization"] = 250.0
    text = drawn(shown, width)
    for whole in ("algo-1 ", "algo-2 ", "step", "2.5000", "8,113", "per second", "250%", "[c10d] The hostname"):
        assert whole in text
    assert "gpu" not in text, "no node has any"
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("kind", ["Interrupted", "Restarting"])
def test_a_run_that_was_interrupted_says_at_which_step_it_began_again(kind: str) -> None:
    """A script that saves nothing begins at its first step, which only its log told."""
    shown = view()
    shown.observe([{}], described("Training"), "RUNNING")
    shown.hear(line("algo-1", "metric step=80 total_steps=100"))
    assert "began again" not in drawn(shown)
    back = {**described("Training"), "SecondaryStatusTransitions": [{"Status": "Training"}, {"Status": kind}]}
    for step in (1, 2):
        shown.observe([{}], back, "RUNNING")
        shown.hear(line("algo-1", f"metric step={step} total_steps=100"))
    assert "began again at step 1" in drawn(shown)


def test_a_program_of_somebody_elses_has_its_numbers_shown() -> None:
    shown = view()
    shown.observe([{}], described("Training"), "RUNNING")
    shown.hear(line("algo-1", "[rank 0] iter 10: loss 3.1234, time 12.34ms, mfu 1.25%"))
    shown.hear(line("algo-1", "[rank 0] the policy has R=7.5"))
    text = drawn(shown)
    assert "3.1234" in text and "10" in text
    assert "mfu 0.0125  reward 7.5" in text


def test_a_loss_that_is_not_finite_is_shown_and_counted() -> None:
    shown = view()
    for step in (1, 2):
        shown.hear(line("algo-1", f"metric step={step} loss=nan"))
    text = drawn(shown)
    assert " nan " in text
    assert "the loss was nan or infinite 2 times" in text


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("SUCCEEDED", Exit.OK),
        ("FAILED", Exit.JOB_FAILED),
        ("TIMED_OUT", Exit.JOB_FAILED),
        ("ABORTED", Exit.JOB_STOPPED),
    ],
)
def test_scripts_can_tell_how_it_ended(status: str, code: Exit) -> None:
    assert exit_code(status) == code


def test_every_attempt_is_paid_for_and_a_resumed_one_starts_the_clock_anew() -> None:
    shown = view()
    first, second = described("Failed", status="Failed", seconds=1000), described("Training", seconds=500)
    second["TrainingJobName"] = "gpt-r-2"
    shown.observe([{}], first, "RUNNING")
    shown.observe([{}, {}], second, "RUNNING")
    assert shown.cost_usd == pytest.approx(1500 * HOURLY_USD / 3600)
    now = int(datetime.now(UTC).timestamp() * 1000)
    shown.hear(line("algo-1", "metric step=80 total_steps=100", now - 100_000))
    shown.hear(line("algo-1", "metric step=40 total_steps=100", now - 10_000))
    shown.hear(line("algo-1", "metric step=50 total_steps=100", now))
    progress = shown.progress()
    assert progress is not None
    assert progress[1] == pytest.approx(50, rel=0.1)


def test_utilisation_is_read_for_each_node() -> None:
    class CloudWatch:
        def client(self, _: str) -> "CloudWatch":
            return self

        def get_metric_data(self, MetricDataQueries: list[dict[str, Any]], **_: Any) -> dict[str, Any]:
            hosts = [query["MetricStat"]["Metric"]["Dimensions"][0]["Value"] for query in MetricDataQueries]
            assert hosts == ["gpt-r-1/algo-1", "gpt-r-1/algo-1", "gpt-r-1/algo-2", "gpt-r-1/algo-2"]
            values = {"m0x0": [250.0, 1.0], "m1x1": [97.0]}
            return {
                "MetricDataResults": [
                    {"Id": one["Id"], "Values": values.get(one["Id"], [])} for one in MetricDataQueries
                ]
            }

    shown = view()
    shown.observe([{}], described("Training"), "RUNNING")
    aws: Any = CloudWatch()
    measure(aws, shown)
    assert shown.nodes["algo-1"].utilisation == {"CPUUtilization": 250.0}
    assert shown.nodes["algo-2"].utilisation == {"GPUUtilization": 97.0}


def test_a_launchers_warning_stays_in_sight() -> None:
    shown = view()
    shown.hear(line("algo-2", "launcher: warning: rank 1 on algo-2 is 2.1 times as slow as the others"))
    shown.hear(line("algo-2", "loading data"))
    assert "warning, algo-2: rank 1 on algo-2 is 2.1 times as slow as the others" in drawn(shown)


@pytest.mark.parametrize(("files", "at", "shows"), [(0, 90, True), (3, 90, False), (0, 20, False)])
def test_a_restart_that_finds_no_checkpoint_says_so(files: int, at: int, shows: bool) -> None:
    shown = view()
    told = f"launcher: files in the checkpoint folder at the start: {files}"
    shown.observe([{}], described("Training"), "RUNNING")
    shown.hear(line("algo-1", "launcher: files in the checkpoint folder at the start: 0", 10_000))
    assert "no checkpoint was there" not in drawn(shown), "the first start has none"
    back = {"Status": "Interrupted", "StartTime": datetime.fromtimestamp(50, UTC)}
    shown.observe([{}], {**described("Training"), "SecondaryStatusTransitions": [back]}, "RUNNING")
    shown.hear(line("algo-1", told, at * 1000))
    assert ("no checkpoint was there when algo-1 started again: it begins at step 0" in drawn(shown)) is shows


def test_an_attempt_after_another_says_what_it_found_and_not_that_it_ran_before() -> None:
    """The one before may never have got its instances."""
    shown = view()
    shown.observe([{}, {}], described("Training"), "RUNNING")
    shown.hear(line("algo-1", "launcher: files in the checkpoint folder at the start: 0", 10_000))
    assert "no checkpoint was there when attempt 2 started: it begins at step 0" in drawn(shown)
