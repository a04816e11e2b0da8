"""A deployment is done when the configuration asked for is in service, and leaves a stack that the next one takes."""

from typing import Any, cast

import pytest

from tests.support.fakes.fake_serving import NEW, OLD, FakeServing, served
from yard.aws import Aws
from yard.errors import NotDeployedError, UserError
from yard.serving.deploying import Deployed, deploy
from yard.serving.outcome import conclude

MODEL = "s3://artifacts/runs/new/model.tar.gz"
BEFORE = "s3://artifacts/runs/old/model.tar.gz"
WENT_BACK = {"EndpointConfigName": OLD, "EndpointStatus": "InService"}
"""What SageMaker says after a rollback: nothing of it."""


def run(aws: FakeServing, model: str = MODEL) -> tuple[Deployed, list[str]]:
    said: list[str] = []
    return deploy(cast(Aws, aws), "digits", {"DigitsModel": model}, said.append, poll=0), said


def test_a_model_that_arrives_is_served() -> None:
    aws = FakeServing(served())
    found, said = run(aws)
    assert found.outcome.verdict == "served" and found.standing.serving == NEW
    assert aws.updates == [{"DigitsModel": MODEL}]
    assert said[-1] == "UPDATE_COMPLETE / InService"


def test_a_first_model_makes_the_endpoint() -> None:
    aws = FakeServing(served(), model="")
    assert run(aws)[0].outcome.verdict == "served"


def test_the_same_model_again_changes_nothing_and_is_served() -> None:
    aws = FakeServing()
    found, _ = run(aws, BEFORE)
    assert found.outcome.verdict == "served" and found.standing.serving == OLD


def test_a_rollback_that_cloudformation_sees_gives_its_reason() -> None:
    events = [
        {
            "ResourceType": "AWS::SageMaker::Model",
            "ResourceStatus": "UPDATE_FAILED",
            "ResourceStatusReason": "cancelled",
        },
        {
            "ResourceType": "AWS::SageMaker::Endpoint",
            "ResourceStatus": "UPDATE_FAILED",
            "ResourceStatusReason": "alarm",
        },
        {"ResourceType": "AWS::CloudFormation::Stack", "ResourceStatus": "UPDATE_IN_PROGRESS"},
        {
            "ResourceType": "AWS::SageMaker::Endpoint",
            "ResourceStatus": "CREATE_FAILED",
            "ResourceStatusReason": "long ago",
        },
    ]
    aws = FakeServing({"status": "UPDATE_ROLLBACK_COMPLETE", "parameters": {"DigitsModel": BEFORE}, "events": events})
    found, _ = run(aws)
    assert (found.outcome.verdict, found.outcome.says) == ("rolled back", f"{OLD} is in service, as before (alarm)")
    assert len(aws.updates) == 1, "the stack asks for what serves already"


def test_a_silent_rollback_is_told_and_the_stack_gets_back_what_it_had() -> None:
    silent = {"status": "UPDATE_COMPLETE", "asked": NEW, "described": WENT_BACK}
    aws = FakeServing(silent, served("config-old-again"))
    found, said = run(aws)
    assert found.outcome.verdict == "silently rolled back"
    assert aws.updates == [{"DigitsModel": MODEL}, {"DigitsModel": BEFORE}]
    assert found.standing.asked == found.standing.serving == "config-old-again"
    assert any("went back without a word" in line for line in said)


def test_after_a_silent_rollback_the_next_deploy_finds_something_to_do() -> None:
    silent = {"status": "UPDATE_COMPLETE", "asked": NEW, "described": WENT_BACK}
    aws = FakeServing(silent, served("back"), served("at last"))
    run(aws)
    assert run(aws)[0].outcome.verdict == "served"
    assert aws.updates[-1] == {"DigitsModel": MODEL}


def test_a_rollback_that_failed_is_taken_to_its_end_first() -> None:
    aws = FakeServing({"status": "UPDATE_ROLLBACK_COMPLETE"}, served())
    aws.stack["StackStatus"] = "UPDATE_ROLLBACK_FAILED"
    assert run(aws)[0].outcome.verdict == "served"
    assert aws.calls == ["continue"]


@pytest.mark.parametrize(
    ("status", "says"),
    [("UPDATE_IN_PROGRESS", "another deploy runs"), ("ROLLBACK_FAILED", "an update is not possible")],
)
def test_a_stack_that_cannot_be_updated_is_refused(status: str, says: str) -> None:
    aws = FakeServing()
    aws.stack["StackStatus"] = status
    with pytest.raises(UserError, match=says):
        run(aws)
    assert aws.updates == []


def test_a_stack_that_is_not_there_says_how_to_deploy_it() -> None:
    aws = FakeServing()
    aws.stack["StackStatus"] = "ABSENT"
    with pytest.raises(NotDeployedError) as error:
        run(aws)
    assert "npx cdk deploy shardyard-dev-serving-digits" in error.value.fix


def test_a_stack_without_the_parameter_is_of_another_version() -> None:
    aws = FakeServing()
    with pytest.raises(UserError, match="has no parameter Other"):
        deploy(cast(Aws, aws), "digits", {"Other": MODEL}, print, poll=0)


@pytest.mark.parametrize(
    ("stack", "more", "verdict"),
    [
        ("UPDATE_COMPLETE", {"asked": NEW, "serving": NEW, "status": "InService"}, "served"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", {"asked": NEW, "serving": NEW, "status": "InService"}, "served"),
        ("UPDATE_COMPLETE", {"asked": NEW, "serving": NEW, "status": "Failed"}, "failed"),
        ("UPDATE_COMPLETE", {"asked": NEW, "serving": OLD, "status": "InService"}, "silently rolled back"),
        ("UPDATE_COMPLETE", {"asked": None, "serving": None, "status": None}, "failed"),
        ("UPDATE_ROLLBACK_COMPLETE", {"asked": OLD, "serving": OLD, "status": "InService"}, "rolled back"),
        ("UPDATE_ROLLBACK_FAILED", {"asked": NEW, "serving": OLD, "status": "InService"}, "failed"),
    ],
)
def test_every_end_has_its_verdict(stack: str, more: dict[str, Any], verdict: str) -> None:
    found = conclude(stack, reason="", **more)
    assert found.verdict == verdict
    assert found.put_back == (verdict == "silently rolled back")
