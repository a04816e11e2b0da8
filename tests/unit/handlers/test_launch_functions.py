"""The smaller functions of a launch: submit, register, janitor, source, launch."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from shardyard.handlers.launch.janitor.index import clean_up, tell
from shardyard.handlers.launch.submit.index import submit
from shardyard.handlers.resources.source.index import put_bundles
from shardyard.handlers.resources.start_on_deploy.index import start
from shardyard.spec.catalogue.service_jobs import PROCESSING, TRAINING, TUNING
from shardyard.spec.requests.deployment import EXECUTION_TAG
from tests.support.fakes import fake_processing  # noqa: F401 - its operations
from tests.support.fakes.fake_aws import STARTED, FakeAws, failure
from tests.support.launches import EXECUTION


class Refusing:
    """A service whose one operation fails."""

    def __init__(self, code: str) -> None:
        self.code = code

    def __call__(self, service: str) -> "Refusing":
        return self

    def __getattr__(self, operation: str) -> Any:
        def call(**_: Any) -> None:
            raise failure(self.code)

        return call


def test_submit_is_content_with_the_job_of_an_earlier_call() -> None:
    assert submit({"TrainingJobName": "a"}, Refusing("ResourceInUse")) == {"name": "a"}


def test_submit_hands_every_other_refusal_on() -> None:
    with pytest.raises(ClientError):
        submit({"TrainingJobName": "a"}, Refusing("ResourceLimitExceeded"))


def stopped_execution(**changes: Any) -> dict[str, Any]:
    return {"executionArn": EXECUTION, "startDate": STARTED.timestamp() * 1000, "input": "{}", **changes}


def job_of(aws: FakeAws, name: str, execution: str) -> None:
    aws.jobs[name] = {
        "TrainingJobName": name,
        "TrainingJobArn": f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{name}",
        "TrainingJobStatus": "InProgress",
        "Tags": [{"Key": EXECUTION_TAG, "Value": execution}],
    }


def test_the_janitor_stops_the_job_of_a_stopped_execution() -> None:
    aws = FakeAws()
    job_of(aws, "tiny-20261121-073000-ab12-2", EXECUTION)
    assert clean_up(stopped_execution(), aws) == ["tiny-20261121-073000-ab12-2"]
    assert aws.jobs["tiny-20261121-073000-ab12-2"]["TrainingJobStatus"] == "Stopping"


def test_the_janitor_finds_a_continued_run_by_its_input() -> None:
    aws = FakeAws()
    job_of(aws, "tiny-r1-2", EXECUTION)
    assert clean_up(stopped_execution(input=json.dumps({"run_id": "r1"})), aws) == ["tiny-r1-2"]


def test_the_janitor_leaves_another_executions_job_of_the_same_run_alone() -> None:
    aws = FakeAws()
    job_of(aws, "tiny-r1-1", EXECUTION + "-other")
    assert clean_up(stopped_execution(input=json.dumps({"run_id": "r1"})), aws) == []


@pytest.mark.parametrize("given", [None, "", "[]", '{"run_id": 3}', "cut off {"])
def test_the_janitor_takes_any_input(given: str | None) -> None:
    assert clean_up(stopped_execution(input=given), FakeAws()) == []


MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:shardyard-dev-tiny"


def told(status: str, machine: str = MACHINE, aws: Any = None) -> list[Any]:
    aws = FakeAws() if aws is None else aws
    detail = stopped_execution(status=status, stateMachineArn=machine)
    tell(detail, aws, topic_arn="topic", machines="shardyard-dev-", kinds=(TRAINING, PROCESSING, TUNING))
    return list(aws.messages)


def test_a_launch_that_was_cut_off_is_told_once() -> None:
    (message,) = told("ABORTED")
    assert message["Subject"] == "tiny was stopped (20261121-073000-ab12)"
    assert message["Message"].startswith(
        "tiny, run 20261121-073000-ab12: its launch was stopped, and with it the job that ran.\n"
        "A person or a program stopped it.\n"
        "There is no receipt. If it keeps checkpoints, resume it: yard resume 20261121-073000-ab12\n"
    )
    assert [one["Subject"] for one in told("TIMED_OUT")] == ["tiny timed out (20261121-073000-ab12)"]
    assert told("FAILED") == [], "it has sent its own message"


def test_a_search_that_was_cut_off_is_named_by_its_job() -> None:
    (message,) = told("ABORTED", f"{MACHINE}_search")
    run = "20261121-073000-ab12"
    assert message["Subject"] == f"The search of tiny was stopped ({run})"
    assert message["Message"].startswith(
        f"The search {run} of tiny was stopped, and with it the trials that ran.\n"
        "A person or a program stopped it.\n"
        f"There is no receipt. What its trials found: yard tune tiny --run {run}. Search again: yard tune tiny\n"
    )


def test_a_processing_job_that_was_cut_off_is_not_resumed() -> None:
    aws = FakeAws()
    name = "tiny-20261121-073000-ab12-1"
    aws.processing[name] = {"ProcessingJobName": name, "ProcessingJobStatus": "Stopped"}
    (message,) = told("TIMED_OUT", aws=aws)
    assert "There is no receipt. It keeps no checkpoints; launch it again: yard run tiny\n" in message["Message"]


def test_bundles_are_copied_once() -> None:
    aws = FakeAws()
    aws.objects["assets"] = {"a.zip": b"zip"}
    bundles = {"f" * 64: {"Bucket": "assets", "Key": "a.zip"}}
    assert put_bundles(aws("s3"), "artifacts", bundles) == 1
    assert aws.objects["artifacts"][f"source/{'f' * 64}.zip"] == b"zip"
    assert put_bundles(aws("s3"), "artifacts", bundles) == 0


class States:
    """Remembers what was started."""

    def __init__(self, taken: tuple[str, ...] = ()) -> None:
        self.started: list[dict[str, str]] = []
        self.taken = taken

    def start_execution(self, **request: str) -> None:
        if request["name"] in self.taken:
            raise failure("ExecutionAlreadyExists")
        self.started.append(request)


def test_only_what_is_new_or_changed_is_started() -> None:
    states = States()
    assert start(states, {"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "0"}, 7200) == ["b", "c"]
    assert [one["stateMachineArn"] for one in states.started] == ["b", "c"]


def test_a_start_that_was_asked_for_twice_happens_once() -> None:
    assert start(States(taken=("deploy-1-2",)), {"a": "1"}, {}, 7201) == ["a"]
