"""A custom resource always answers: on success, on failure, out of time, and for what was never made."""

import time
from collections.abc import Iterator

import pytest

from shardyard.handlers.cfn_response import NEVER_MADE, Answer, Refused, Request, custom_resource
from tests.support.custom_resources import Answers, Context, waiting_for_answers


@pytest.fixture
def cloudformation() -> Iterator[Answers]:
    with waiting_for_answers() as answers:
        yield answers


def test_success_carries_id_and_data_back(cloudformation: Answers) -> None:
    seen: list[Request] = []

    @custom_resource
    def handler(request: Request) -> Answer:
        seen.append(request)
        return Answer(physical_id="thing-1", data={"Status": "GRANTED"})

    handler(cloudformation.event("Create", {"Size": "4"}), Context())
    assert cloudformation.only == {
        "Status": "SUCCESS",
        "PhysicalResourceId": "thing-1",
        "Data": {"Status": "GRANTED"},
        "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/s/1",
        "RequestId": "request-1",
        "LogicalResourceId": "Thing",
    }
    assert seen[0].properties == {"Size": "4"}
    assert cloudformation.content_types == [""]


def test_an_update_knows_what_was_before(cloudformation: Answers) -> None:
    seen: list[Request] = []

    @custom_resource
    def handler(request: Request) -> Answer:
        seen.append(request)
        return Answer(physical_id=request.physical_id)

    event = cloudformation.event(
        "Update",
        {"Size": "5"},
        PhysicalResourceId="thing-1",
        OldResourceProperties={"ServiceToken": "x", "Size": "4"},
    )
    handler(event, Context())
    assert (seen[0].kind, seen[0].old_properties, seen[0].physical_id) == ("Update", {"Size": "4"}, "thing-1")
    assert cloudformation.only["Status"] == "SUCCESS"


def test_an_exception_is_an_answer_with_its_log(cloudformation: Answers) -> None:
    @custom_resource
    def handler(request: Request) -> Answer:
        raise KeyError("BucketName")

    handler(cloudformation.event("Create"), Context())
    assert cloudformation.only["Status"] == "FAILED"
    assert cloudformation.only["PhysicalResourceId"] == NEVER_MADE
    assert cloudformation.only["Reason"] == "KeyError: 'BucketName' (log: 2026/11/21/[$LATEST]abc)"


def test_a_refusal_is_said_in_its_own_words(cloudformation: Answers) -> None:
    @custom_resource
    def handler(request: Request) -> Answer:
        raise Refused("no such quota")

    handler(cloudformation.event("Update", PhysicalResourceId="thing-1"), Context())
    assert cloudformation.only["Reason"] == "no such quota"
    assert cloudformation.only["PhysicalResourceId"] == "thing-1"


@pytest.mark.parametrize("letter", ["!", '"', "\\", "\n", "\u00e9", "\u6570", "\U0001f600"])
def test_an_answer_fits_cloudformations_bytes_whatever_its_letters_take(letter: str, cloudformation: Answers) -> None:
    """CloudFormation does not read a longer answer: the stack would wait until the resource's time is over."""

    @custom_resource
    def handler(request: Request) -> Answer:
        raise Refused("no such quota" + letter * 5000)

    handler(cloudformation.event("Create"), Context())
    assert cloudformation.only["Reason"].startswith(f"no such quota{letter}")
    assert 4096 - 12 < cloudformation.sizes[0] <= 4096


def test_the_deletion_of_what_was_never_made_does_nothing(cloudformation: Answers) -> None:
    @custom_resource
    def handler(request: Request) -> Answer:
        raise AssertionError("must not be called")

    handler(cloudformation.event("Delete", PhysicalResourceId=NEVER_MADE), Context())
    assert cloudformation.only["Status"] == "SUCCESS"


def test_out_of_time_is_said_before_lambda_kills(cloudformation: Answers) -> None:
    @custom_resource
    def handler(request: Request) -> Answer:
        time.sleep(10)
        return Answer(physical_id="too late")

    started = time.monotonic()
    handler(cloudformation.event("Create"), Context(milliseconds=3200))
    assert time.monotonic() - started < 10
    assert cloudformation.only["Status"] == "FAILED"
    assert "deploy again to continue" in cloudformation.only["Reason"]


def test_a_failing_address_is_tried_again(cloudformation: Answers) -> None:
    cloudformation.refuse_first = 2

    @custom_resource
    def handler(request: Request) -> Answer:
        return Answer(physical_id="thing-1")

    handler(cloudformation.event("Create"), Context())
    assert cloudformation.only["Status"] == "SUCCESS"
