"""A job with a script of one's own: changed without a deploy, broken, stopped, watched."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from embedded import lifecycle
from embedded.process.errors import CloudError
from shardyard.spec import names
from tests.support.cloud.house import wait_until
from tests.support.cloud.own_project import JOB, OwnProject
from tests.support.cloud.yard_command import Yard
from yard.sources import upload_source

pytestmark = pytest.mark.e2e
BROKEN: dict[str, Any] = {"environment": {"BROKEN_RANK": "1"}}
WAITING: dict[str, Any] = {"environment": {"WAIT": "1"}}


def launch_code(research: OwnProject, word: str) -> tuple[str | None, str]:
    """Change the script, upload it as `yard train` does, run it; the code's hash and what the model holds."""
    research.write_script(word)
    sha256 = upload_source(research.aws, research.aws.project.job(JOB))
    run = research.succeed(JOB, {"source_sha256": sha256})
    assert research.receipt(run)["source_sha256"] == sha256
    return sha256, research.model(run)["word.txt"].decode()


def test_changed_code_runs_without_a_deploy(research: OwnProject) -> None:
    deployed = research.succeed(JOB, {})
    first = research.receipt(deployed)["source_sha256"]
    assert research.model(deployed)["word.txt"] == b"first"

    second, word = launch_code(research, "second")
    assert word == "second"
    assert second != first
    third, word = launch_code(research, "first")
    assert (third, word) == (first, "first")
    # what a launch without a hash runs is what was deployed
    assert research.model(research.succeed(JOB, {}))["word.txt"] == b"first"


def test_code_that_was_never_uploaded_is_refused(research: OwnProject) -> None:
    ended = research.run(JOB, {"source_sha256": "0" * 64})
    key = names.source_key("0" * 64)
    said = f"source_sha256: there is no s3://{research.aws.artifact_bucket()}/{key}; upload the code with: yard train"
    assert (ended.error, ended.cause) == ("Refused", said)
    assert research.attempts(ended.run) == []


def test_what_a_program_refuses_is_no_failure_of_the_program(research: OwnProject) -> None:
    ended = research.run(JOB, {"environment": {"REFUSAL": "width 7 is odd: choose an even one"}})
    assert (ended.status, ended.error) == ("FAILED", "ProgramRefused")
    (job,) = research.attempts(ended.run)
    assert job["FailureReason"].endswith("width 7 is odd: choose an even one, exit code: 78")
    assert research.receipt(ended.run)["error"] == "ProgramRefused"


def test_the_first_rank_that_fails_is_named_everywhere(research: OwnProject) -> None:
    ended = research.run(JOB, BROKEN)
    assert (ended.status, ended.error) == ("FAILED", "ProgramFailed")
    (job,) = research.attempts(ended.run)  # a program's own failure is never tried again
    assert job["TrainingJobStatus"] == "Failed"
    receipt, mail = research.receipt(ended.run), research.mail(ended.run.run_id)
    assert (receipt["outcome"], receipt["model"]) == ("Failed", None)
    assert mail["subject"] == f"{JOB} failed ({ended.run.run_id})"
    for said in (job["FailureReason"], ended.cause, receipt["cause"], mail["text"]):
        assert said.partition("AlgorithmError")[2].startswith(": rank 1 on algo-2")
        assert "ValueError: the tenth batch is broken" in said


def test_an_aborted_execution_leaves_nothing_running(research: OwnProject) -> None:
    run = research.launch(JOB, WAITING)
    wait_until(
        lambda: sum("has begun" in line.text for line in research.lines(run)) == 2, f"both nodes of {run.run_id}"
    )
    name = research.training(run)["TrainingJobName"]
    research.aws.client("stepfunctions").stop_execution(executionArn=run.execution_arn)

    assert research.finish(run).status == "ABORTED"
    wait_until(lambda: research.attempts(run)[0]["TrainingJobStatus"] == "Stopped", f"the stop of {name}")
    assert name not in research.cloud.admin("status")["training_jobs_running"]
    assert [job["TrainingJobName"] for job in research.attempts(run)] == [name]
    assert "A person or a program stopped it." in research.mail(f"{JOB} was stopped ({run.run_id})")["text"]


def test_the_watchdog_looks_while_a_job_runs_and_sleeps_afterwards(research: OwnProject) -> None:
    rule = names.rule_name("research", "dev", "watchdog")
    events, cloudwatch = research.aws.client("events"), research.aws.client("cloudwatch")

    def is_on() -> bool:
        return bool(events.describe_rule(Name=rule)["State"] == "ENABLED")

    def looks(metric: str) -> float:
        dimensions = [{"Name": "Project", "Value": "research"}, {"Name": "Stage", "Value": "dev"}]
        query = {"Namespace": "Shardyard", "MetricName": metric, "Dimensions": dimensions}
        now = datetime.now(UTC)
        window = {
            "StartTime": now - timedelta(hours=1),
            "EndTime": now + timedelta(hours=1),
            "Period": 60,
            "Statistics": ["SampleCount"],
        }
        return float(
            sum(one["SampleCount"] for one in cloudwatch.get_metric_statistics(**query, **window)["Datapoints"])
        )

    def fires() -> bool:
        """A look that began before this run may switch the rule off for a moment, until it sees the run."""
        try:
            research.cloud.admin("fire", rule=rule)
        except CloudError:
            return False
        return True

    run = research.launch(JOB, WAITING)
    research.training(run)
    wait_until(is_on, f"the rule {rule} to be switched on")
    before = looks("SilentMinutes")
    wait_until(fires, f"the rule {rule} to fire")
    wait_until(lambda: looks("SilentMinutes") > before and looks("LowGpuMinutes") > before, "the watchdog's metrics")
    wait_until(is_on, f"the rule {rule} to be on while {run.run_id} trains")

    research.aws.client("stepfunctions").stop_execution(executionArn=run.execution_arn)
    wait_until(lambda: research.attempts(run)[0]["TrainingJobStatus"] == "Stopped", f"the stop of {run.run_id}")

    def sleeps() -> bool:
        """Its own schedule may have been first: a rule that is off already cannot be fired."""
        return not is_on() or (fires() and not is_on())

    wait_until(sleeps, f"the rule {rule} to be switched off")


def test_a_running_node_can_be_entered(research: OwnProject) -> None:
    run = research.launch(JOB, WAITING)
    wait_until(
        lambda: sum("has begun" in line.text for line in research.lines(run)) == 2, f"both nodes of {run.run_id}"
    )
    yard = Yard(env=research.cloud.env, folder=research.root)
    # A person's cloud lies in the project
    place = research.root / lifecycle.DEFAULT_FOLDER
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(research.cloud.folder)
    entered = yard("exec", run.run_id, "--node", "2", "--", "sh", "-c", "hostname; pwd; exit 9", code=9)
    assert entered.stdout.split()[1] == "/opt/ml/code"
    said = yard("exec", run.run_id, "--node", "3", "--", "ls", code=1).stderr
    assert "has 2 nodes, and no node 3." in said
    assert "yard shell needs a terminal." in yard("shell", run.run_id, code=2).stderr
    research.aws.client("stepfunctions").stop_execution(executionArn=run.execution_arn)
    assert research.finish(run).status == "ABORTED"
    ended = yard("exec", run.run_id, "--", "ls", code=1).stderr
    assert "was stopped: there is no node to enter." in ended
