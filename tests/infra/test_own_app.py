"""examples/own-app synthesises on its own: nothing of the team's is made anew, and its function may launch one job."""

import json
from pathlib import Path

import pytest

from checks.check import cfn_lint
from tests.support.own_app import copy_own_app, synthesise_own_app
from tests.support.training_stack import Template, of_type


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the app's template lies."""
    folder = tmp_path_factory.mktemp("own")
    return synthesise_own_app(copy_own_app(folder / "own-app"), folder / "out")


@pytest.fixture(scope="module")
def template(path: Path) -> Template:
    """The app's template."""
    found: Template = json.loads(path.read_text())
    return found


def test_cfn_lint_finds_nothing_but_what_cdks_functions_always_have(path: Path) -> None:
    # CDK's own functions state a dependency on the role that they name: W3005, which is harmless.
    assert [line for line in cfn_lint([str(path)]) if ":W3005:" not in line] == []


def test_what_the_team_has_is_used_and_not_made(template: Template) -> None:
    kinds = {resource["Type"] for resource in template["Resources"].values()}
    assert not kinds & {"AWS::S3::Bucket", "AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::KMS::Key"}
    machines = of_type(template, "AWS::StepFunctions::StateMachine")
    assert {one["StateMachineName"] for one in machines.values()} == {"counting-dev-count", "counting-dev-count-spot"}
    context = json.loads((Path(__file__).parents[2] / "examples/own-app/cdk.json").read_text())["context"]
    for one in machines.values():
        values = one["DefinitionSubstitutions"]
        assert values["DataBucket"] == values["ArtifactBucket"] == context["bucket"]
        assert values["Role"] == context["role"]
        assert [values["Subnet0"], values["Subnet1"]] == list(context["subnets"].values())


def test_the_teams_role_gets_what_the_jobs_need(template: Template) -> None:
    given = [one for one in of_type(template, "AWS::IAM::Policy").values() if one["Roles"] == ["counting-team"]]
    assert len(given) == 2  # one of each job
    for one in given:
        assert "counting-team-data" in json.dumps(one["PolicyDocument"])


def test_the_function_may_launch_its_job_and_no_other(template: Template) -> None:
    (granted,) = [
        one for one in of_type(template, "AWS::IAM::Policy").values() if "states:StartExecution" in json.dumps(one)
    ]
    (starts,) = [
        statement
        for statement in granted["PolicyDocument"]["Statement"]
        if "states:StartExecution" in statement["Action"]
    ]
    assert json.dumps(starts["Resource"]).count("stateMachine:") == 1
    assert starts["Resource"]["Fn::Join"][1][-1] == ":stateMachine:counting-dev-count"


def test_objects_under_words_wake_the_function(template: Template) -> None:
    (notified,) = of_type(template, "Custom::S3BucketNotifications").values()
    (one,) = notified["NotificationConfiguration"]["LambdaFunctionConfigurations"]
    assert one["Events"] == ["s3:ObjectCreated:*"]
    assert one["Filter"]["Key"]["FilterRules"] == [{"Name": "prefix", "Value": "words/"}]
