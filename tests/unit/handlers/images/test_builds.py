"""A build that a deploy waits for: when it starts, and how each of its ends is answered."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from shardyard.handlers.cfn_response import NEVER_MADE, Request, custom_resource
from shardyard.handlers.images.finish_build.index import finish
from shardyard.handlers.images.start_build.index import start
from tests.support.custom_resources import Answers, Context, waiting_for_answers

BUILD = "p-images-amd64:11111111-1111-1111-1111-111111111111"
PROPERTIES = {
    "Project": "p-images-amd64",
    "Repository": "p-dev/own",
    "Tag": "abc-cpu",
    "Source": "bucket/key.zip",
    "Variables": {"URI": "registry/p-dev/own:abc-cpu", "VARIANT": "cpu"},
}


@pytest.fixture
def cloudformation() -> Iterator[Answers]:
    with waiting_for_answers() as answers:
        yield answers


class Account:
    """The three services that the handlers ask."""

    def __init__(self, *, digest: str | None = None, lines: list[str] | None = None) -> None:
        self.digest, self.lines = digest, lines
        self.started: list[dict[str, Any]] = []
        self.build: dict[str, Any] = {}

    def __call__(self, service: str) -> "Account":
        return self

    def describe_images(self, *, repositoryName: str, imageIds: list[Any]) -> Any:
        assert (repositoryName, imageIds) == ("p-dev/own", [{"imageTag": "abc-cpu"}])
        if self.digest is None:
            raise ClientError({"Error": {"Code": "ImageNotFoundException", "Message": ""}}, "DescribeImages")
        return {"imageDetails": [{"imageDigest": self.digest}]}

    def start_build(self, **given: Any) -> None:
        self.started.append(given)

    def batch_get_builds(self, *, ids: list[str]) -> Any:
        assert ids == [BUILD]
        return {"builds": [self.build] if self.build else []}

    def get_log_events(self, *, logGroupName: str, logStreamName: str, limit: int, startFromHead: bool) -> Any:
        if self.lines is None:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "no log"}}, "GetLogEvents")
        return {"events": [{"message": f"{line}\n"} for line in self.lines[-limit:]]}


def ask(account: Account, answers: Answers, kind: str = "Create", **more: Any) -> None:
    handle = custom_resource(lambda request: start(request, account))
    handle(answers.event(kind, PROPERTIES, **more), Context())


def end(account: Account, status: str, answers: Answers, **callback: Any) -> None:
    """The build ends, after `ask` has started it."""
    if not account.started:
        ask(account, answers, **callback)
    variables = account.started[0]["environmentVariablesOverride"]
    account.build = {
        "id": BUILD,
        "buildStatus": status,
        "environment": {"environmentVariables": variables},
        "logs": {"groupName": "/aws/codebuild/p", "streamName": "s"},
    }
    finish(event(status), account)


def event(status: str) -> Mapping[str, Any]:
    return {"detail": {"build-id": f"arn:aws:codebuild:eu-west-1:123456789012:build/{BUILD}", "build-status": status}}


def test_an_image_that_is_there_builds_nothing(cloudformation: Answers) -> None:
    account = Account(digest="sha256:1")
    ask(account, cloudformation)
    assert account.started == []
    assert cloudformation.only["PhysicalResourceId"] == "p-dev/own:abc-cpu"
    assert cloudformation.only["Data"] == {"Digest": "sha256:1"}


def test_a_new_one_starts_a_build_and_nobody_waits(cloudformation: Answers) -> None:
    account = Account()
    ask(account, cloudformation)
    assert cloudformation.received == []
    (build,) = account.started
    assert (build["projectName"], build["sourceLocationOverride"]) == ("p-images-amd64", "bucket/key.zip")
    assert build["idempotencyToken"] == "request-1", "Lambda may hand over one request twice"
    variables = {one["name"]: one["value"] for one in build["environmentVariablesOverride"]}
    assert variables["TAG"] == "abc-cpu" and variables["VARIANT"] == "cpu"
    assert json.loads(variables["CALLBACK"])["ResponseURL"] == cloudformation.url


def test_taking_it_away_removes_no_image(cloudformation: Answers) -> None:
    account = Account()
    ask(account, cloudformation, "Delete", PhysicalResourceId="p-dev/own:abc-cpu")
    assert cloudformation.only["Status"] == "SUCCESS" and account.started == []


def test_the_end_of_a_build_is_the_answer(cloudformation: Answers) -> None:
    account = Account()
    ask(account, cloudformation)
    account.digest = "sha256:2"
    end(account, "SUCCEEDED", cloudformation)
    assert cloudformation.only["Status"] == "SUCCESS"
    assert cloudformation.only["PhysicalResourceId"] == "p-dev/own:abc-cpu"
    assert cloudformation.only["Data"] == {"Digest": "sha256:2"}
    assert cloudformation.only["RequestId"] == "request-1"


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("FAILED", "failed"),
        ("FAULT", "ended with an error of CodeBuild's"),
        ("STOPPED", "was stopped"),
        ("TIMED_OUT", "took longer than its time-out"),
        ("SUCCEEDED", "succeeded, and the image is not in its repository"),
    ],
)
def test_every_other_end_fails_the_deploy_and_says_why(cloudformation: Answers, status: str, said: str) -> None:
    end(Account(lines=["one", "the last one"]), status, cloudformation)
    answer = cloudformation.only
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", NEVER_MADE)
    first, *lines = answer["Reason"].split("\n")
    assert first == f"the build of p-dev/own:abc-cpu {said} ({BUILD}; log /aws/codebuild/p, s)"
    assert lines == ["one", "the last one"]


def test_a_failed_update_keeps_the_resource_that_was_there(cloudformation: Answers) -> None:
    account = Account(lines=[])
    ask(account, cloudformation, "Update", PhysicalResourceId="p-dev/own:old", OldResourceProperties={})
    end(account, "FAILED", cloudformation)
    assert cloudformation.only["PhysicalResourceId"] == "p-dev/own:old"


@pytest.mark.parametrize("line", ["x" * 90, "\u00e4" * 90, "\U0001f600" * 40, '"' * 90, "\x1b[31m" * 20, "x" * 9000])
def test_the_last_lines_are_those_that_fit(cloudformation: Answers, line: str) -> None:
    end(Account(lines=[*([line] * 200), "the last one"]), "FAILED", cloudformation)
    (size,) = cloudformation.sizes
    assert size <= 4096
    assert len(line) > 4000 or size > 3400, "the room is used"
    assert cloudformation.only["Reason"].endswith("\nthe last one")


def test_a_log_that_cannot_be_read_keeps_nobody_waiting(cloudformation: Answers) -> None:
    end(Account(), "FAILED", cloudformation)
    assert "(its log cannot be read: " in cloudformation.only["Reason"]


def test_a_build_that_nobody_waits_for_is_let_be(cloudformation: Answers) -> None:
    account = Account()
    finish(event("FAILED"), account)
    account.build = {"id": BUILD, "buildStatus": "FAILED", "environment": {}, "logs": {}}
    finish(event("FAILED"), account)
    assert cloudformation.received == []


def test_an_error_at_the_start_is_an_answer(cloudformation: Answers) -> None:
    def broken(request: Request) -> None:
        raise ClientError({"Error": {"Code": "AccountLimitExceededException", "Message": "no more"}}, "StartBuild")

    custom_resource(broken)(cloudformation.event("Create", PROPERTIES), Context())
    assert cloudformation.only["Status"] == "FAILED" and "no more" in cloudformation.only["Reason"]
