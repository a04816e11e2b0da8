"""State changes of jobs become sentences, counts, and a watchdog that is awake only while jobs run."""

from typing import Any

import pytest

from shardyard.handlers.watching.job_events.index import Change, DeploymentNames, compose, react, react_once
from shardyard.spec.catalogue.service_jobs import SERVICE_JOBS

DEPLOYMENT = DeploymentNames(project="yard", stage="dev", topic_arn="arn:topic", watchdog_rule="watch")
BY_HAND = {"project": "yard", "stage": "dev"}
OURS = {**BY_HAND, "run": "20261121-073000-a1b2", "shardyard:execution": "arn:execution"}


class Recorder:
    """Stands for every client and keeps the calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, service: str) -> "Recorder":
        return self

    def __getattr__(self, operation: str) -> Any:
        return lambda **request: self.calls.append((operation, request))

    def made(self, operation: str) -> list[dict[str, Any]]:
        return [request for name, request in self.calls if name == operation]


def change(status: str, secondary: str = "", **more: Any) -> dict[str, Any]:
    arn = "arn:aws-us-gov:sagemaker:us-gov-west-1:123456789012:training-job/gpt-1"
    detail = {"TrainingJobName": "gpt-1", "TrainingJobStatus": status, "SecondaryStatus": secondary or status}
    return {**detail, "TrainingJobArn": arn, "Tags": OURS, **more}


def counted(clients: Recorder) -> list[str]:
    return [one["MetricData"][0]["MetricName"] for one in clients.made("put_metric_data")]


def test_a_failed_job_of_nobodys_launch_is_counted_and_told_with_its_reason() -> None:
    clients = Recorder()
    react(change("Failed", FailureReason="AlgorithmError: rank 1: KeyError: 'loss'", Tags=BY_HAND), DEPLOYMENT, clients)
    assert counted(clients) == ["Jobs", "FailuresOutsideLaunches"]
    outcome, other = (one["MetricData"][0]["Dimensions"] for one in clients.made("put_metric_data"))
    assert outcome[2] == {"Name": "Outcome", "Value": "Failed"}
    assert other == outcome[:2]
    [message] = clients.made("publish")
    assert message["Subject"] == "gpt-1 failed"
    assert "AlgorithmError: rank 1: KeyError: 'loss'" in message["Message"]


@pytest.mark.parametrize("status", ["Completed", "Failed", "Stopped"])
def test_how_a_launch_ends_is_told_by_its_receipt_alone(status: str) -> None:
    clients = Recorder()
    react(change(status, FailureReason="AlgorithmError: x"), DEPLOYMENT, clients)
    assert clients.made("publish") == []
    assert counted(clients) == ["Jobs"], "the dashboard shows it; the alarm is the job's own"


def test_an_attempt_of_a_launch_that_got_no_machine_is_not_a_failure() -> None:
    """The launch tries again, maybe for hours, and its receipt tells how that ended."""
    clients = Recorder()
    short = "CapacityError: Unable to provision requested ML compute capacity."
    react(change("Failed", FailureReason=short), DEPLOYMENT, clients)
    assert clients.calls == []
    react(change("Failed", FailureReason=short, Tags=BY_HAND), DEPLOYMENT, clients)
    assert len(clients.made("publish")) == 1


def test_a_running_job_wakes_the_watchdog_and_tells_nobody() -> None:
    clients = Recorder()
    react(change("InProgress", "Training"), DEPLOYMENT, clients)
    assert clients.made("enable_rule") == [{"Name": "watch"}]
    assert clients.made("publish") == []


def test_jobs_of_other_projects_are_left_alone() -> None:
    clients = Recorder()
    react(change("Failed", Tags={"project": "other", "stage": "dev"}), DEPLOYMENT, clients)
    react(change("Failed", Tags=None), DEPLOYMENT, clients)
    assert clients.calls == []


def test_a_spot_interruption_is_told() -> None:
    message = compose(change("InProgress", "Interrupted"))
    assert message is not None
    assert message.text.startswith("The training job gpt-1 was interrupted.\nIts spot capacity was taken back.")
    assert "restarts it, from its checkpoints if it keeps any." in message.text, "a search's trials may keep none"
    console = "https://us-gov-west-1.console.amazonaws-us-gov.com/sagemaker/home?region=us-gov-west-1"
    assert message.text.endswith(f"\n{console}#/jobs/gpt-1"), "the console of the job's own partition"


def test_the_time_is_told_as_people_say_it() -> None:
    message = compose(
        change("Stopped", "MaxRuntimeExceeded", TrainingStartTime=0, TrainingEndTime=5_400_000, Tags=BY_HAND)
    )
    assert message is not None
    assert message.text.startswith(
        "The training job gpt-1 was stopped after 1h30m.\nIt reached its longest allowed runtime (limits.max_runtime)."
    )


AS_LIST = [{"Key": key, "Value": value} for key, value in OURS.items()]


@pytest.mark.parametrize("tags", [OURS, AS_LIST], ids=["map", "list"])
def test_tags_are_read_in_both_shapes(tags: Any) -> None:
    """The guide's sample has a map; AWS's own schema of the event has a list."""
    clients = Recorder()
    react(change("InProgress", "Training", Tags=tags), DEPLOYMENT, clients)
    assert clients.made("enable_rule") == [{"Name": "watch"}]
    react(change("Failed", FailureReason="AlgorithmError: x", Tags=tags), DEPLOYMENT, clients)
    assert counted(clients) == ["Jobs"], "a launch's own receipt tells how it ended"
    assert clients.made("publish") == []


@pytest.mark.parametrize("tags", [None, {}, [], [{"Key": "project", "Value": "other"}]])
def test_a_job_without_our_tags_is_left_alone_in_both_shapes(tags: Any) -> None:
    clients = Recorder()
    react(change("Failed", Tags=tags), DEPLOYMENT, clients)
    assert clients.calls == []


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (0, 5_400_000, " after 1h30m"),
        ("0", "5400000", " after 1h30m"),
        (0.0, "5400000.0", " after 1h30m"),
        (None, 5_400_000, ""),
        (0, None, ""),
        ("", "5400000", ""),
        ("2026-11-21T07:30:00Z", "2026-11-21T09:00:00Z", ""),
    ],
)
def test_times_are_read_as_numbers_and_as_text(start: Any, end: Any, said: str) -> None:
    """The guide's sample has them as text; recorded events have numbers, and None for what has not come yet."""
    message = compose(change("Completed", TrainingStartTime=start, TrainingEndTime=end, Tags=BY_HAND))
    assert message is not None
    assert message.text.startswith(f"The training job gpt-1 completed{said}.")


def test_a_completed_job_of_nobodys_launch_is_told() -> None:
    message = compose(change("Completed", Tags=BY_HAND))
    assert message is not None
    assert message.subject == "gpt-1 completed"


@pytest.mark.parametrize("secondary", ["Starting", "Downloading", "Training", "Uploading"])
def test_the_ordinary_phases_are_not_told(secondary: str) -> None:
    assert compose(change("InProgress", secondary)) is None


def test_a_second_event_of_one_change_counts_and_tells_nothing() -> None:
    """SageMaker may send several events for each change."""
    clients = Recorder()
    reacted: dict[Change, None] = {}
    interrupted = change("InProgress", "Interrupted", LastModifiedTime=1)
    ended = change("Failed", FailureReason="AlgorithmError: x", Tags=BY_HAND, LastModifiedTime=2)
    for detail in (interrupted, interrupted, ended, ended, interrupted):
        react_once(detail, DEPLOYMENT, clients, reacted)
    assert counted(clients) == ["Jobs", "FailuresOutsideLaunches"]
    assert [one["Subject"] for one in clients.made("publish")] == ["gpt-1 was interrupted", "gpt-1 failed"]


def test_another_interruption_of_the_same_job_is_told() -> None:
    clients = Recorder()
    reacted: dict[Change, None] = {}
    for modified in (1, 2):
        detail = change("InProgress", "Interrupted", LastModifiedTime=modified)
        react_once(detail, DEPLOYMENT, clients, reacted)
    assert len(clients.made("publish")) == 2


def test_an_event_whose_handling_failed_is_handled_again() -> None:
    class Failing(Recorder):
        def __getattr__(self, operation: str) -> Any:
            raise ConnectionError(operation)

    detail = change("Completed", Tags=BY_HAND)
    reacted: dict[Change, None] = {}
    with pytest.raises(ConnectionError):
        react_once(detail, DEPLOYMENT, Failing(), reacted)
    clients = Recorder()
    react_once(detail, DEPLOYMENT, clients, reacted)
    assert counted(clients) == ["Jobs"]


def test_a_subject_fits_what_sns_takes() -> None:
    message = compose(change("Failed", TrainingJobName="j" * 120, Tags=BY_HAND))
    assert message is not None
    assert len(message.subject) == 100


def other(kind: str, status: str, **more: Any) -> dict[str, Any]:
    """A change of a processing job or of a search."""
    of = SERVICE_JOBS[kind]
    arn = f"arn:aws:sagemaker:us-east-1:123456789012:{of.arn_part}/one"
    return {of.name_field: "one", of.arn_field: arn, of.status_field: status, "Tags": BY_HAND, **more}


@pytest.mark.parametrize(("kind", "page"), [("processing", "processing-jobs"), ("tuning", "hyper-tuning-jobs")])
def test_jobs_of_other_kinds_are_counted_told_and_wake_the_watchdog(kind: str, page: str) -> None:
    clients = Recorder()
    react(other(kind, "InProgress"), DEPLOYMENT, clients)
    assert clients.made("enable_rule") == [{"Name": "watch"}] and clients.made("publish") == []
    react(other(kind, "Failed", FailureReason="AlgorithmError: x", ExitMessage="no rows"), DEPLOYMENT, clients)
    assert counted(clients) == ["Jobs", "FailuresOutsideLaunches"]
    [message] = clients.made("publish")
    assert message["Message"].startswith(f"The {kind} job one failed.\nAlgorithmError: x no rows\n")
    assert message["Message"].endswith(f"#/{page}/one")
    clients = Recorder()
    react(other(kind, "Failed", Tags=OURS, FailureReason="AlgorithmError: x"), DEPLOYMENT, clients)
    assert counted(clients) == ["Jobs"] and clients.made("publish") == []


def test_an_attempt_of_a_processing_launch_that_got_no_machine_is_not_a_failure() -> None:
    clients = Recorder()
    short = "CapacityError: Unable to provision requested ML compute capacity."
    react(other("processing", "Failed", Tags=OURS, FailureReason=short), DEPLOYMENT, clients)
    assert clients.calls == []


@pytest.mark.parametrize(
    ("kind", "times", "said"),
    [
        (
            "processing",
            {"ProcessingStartTime": 0, "ProcessingEndTime": 5_400_000},
            "The processing job one was stopped after 1h30m.\nA person or a program stopped it, or it reached",
        ),
        (
            "tuning",
            {"CreationTime": 0, "HyperParameterTuningEndTime": 5_400_000},
            "The tuning job one was stopped after 1h30m.\nA person or a program stopped it.",
        ),
    ],
)
def test_how_long_other_kinds_took_is_told(kind: str, times: dict[str, int], said: str) -> None:
    message = compose(other(kind, "Stopped", **times))
    assert message is not None and message.text.startswith(said)


def test_two_kinds_of_jobs_with_one_name_are_two_changes() -> None:
    clients, reacted = Recorder(), dict[Change, None]()
    for kind in ("processing", "tuning", "processing"):
        react_once(other(kind, "Completed"), DEPLOYMENT, clients, reacted)
    assert len(clients.made("publish")) == 2
