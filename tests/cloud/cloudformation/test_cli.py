"""The real CDK command, unmodified, against the cloud: a small app through its life, and the project's own."""

import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from embedded.inventory import left_behind
from tests.cloud.conftest import ACCOUNT, Cloud, Deployed

APP = f"{sys.executable} {Path(__file__).parent / 'apps' / 'small.py'}"


class SmallApp:
    """The small app under a prefix of its own, deployed by the real command."""

    def __init__(self, cloud: Cloud, folder: Path) -> None:
        self.cloud, self.folder = cloud, folder
        self.prefix = f"s{uuid.uuid4().hex[:6]}"

    def run(self, *arguments: str, **context: str) -> subprocess.CompletedProcess[str]:
        """Run a verb of the command on both stacks."""
        options = [item for key, value in context.items() for item in ("-c", f"{key}={value}")]
        verb, *rest = arguments
        return self.cloud.cdk(
            verb, "--all", "--app", APP, "--output", str(self.folder), "-c", f"prefix={self.prefix}", *options, *rest
        )

    def deploy(self, *arguments: str, **context: str) -> subprocess.CompletedProcess[str]:
        """Deploy without a question."""
        return self.run("deploy", "--require-approval", "never", *arguments, **context)

    def output(self, name: str) -> str:
        """An output of the first stack."""
        stack = self.cloud.client("cloudformation").describe_stacks(StackName=f"{self.prefix}-base")["Stacks"][0]
        return next(item["OutputValue"] for item in stack["Outputs"] if item["OutputKey"] == name)

    def deep(self) -> str:
        """The value that the stack in the first stack has made."""
        cloudformation = self.cloud.client("cloudformation")
        resources = cloudformation.describe_stack_resources(StackName=f"{self.prefix}-base")["StackResources"]
        inner = next(one for one in resources if one["ResourceType"] == "AWS::CloudFormation::Stack")
        (made,) = cloudformation.describe_stack_resources(StackName=inner["PhysicalResourceId"])["StackResources"]
        value = self.cloud.client("ssm").get_parameter(Name=made["PhysicalResourceId"])["Parameter"]["Value"]
        return str(value)


@pytest.fixture
def app(bootstrapped_cloud: Cloud, tmp_path: Path) -> SmallApp:
    return SmallApp(bootstrapped_cloud, tmp_path / "cdk.out")


def test_bootstrap_again_changes_nothing(bootstrapped_cloud: Cloud) -> None:
    done = bootstrapped_cloud.cdk("bootstrap", f"aws://{ACCOUNT}/us-east-1")
    assert done.returncode == 0
    assert "(no changes)" in done.stderr


@pytest.mark.e2e
@pytest.mark.parametrize("method", ["change-set", "direct"])
def test_a_small_app_through_its_life(app: SmallApp, method: str) -> None:
    before = app.cloud.admin("inventory")["inventory"]
    by = f"--method={method}"
    assert app.deploy(by).returncode == 0
    assert app.output("Value") == "one-"
    assert "Number of stacks with differences: 0" in app.run("diff").stderr

    done = app.run("diff", value="two")
    said = done.stdout + done.stderr
    assert "Number of stacks with differences: 2" in done.stderr, "the nested stack is one of them"
    assert "Kept" in said and "Deep" in said
    assert app.deploy(by, value="two").returncode == 0
    assert app.output("Value") == "two-"
    assert app.deep().startswith("two of ")
    assert "(no changes)" in app.deploy(by, value="two").stderr

    broken = app.deploy(by, value="three", broken="yes")
    assert broken.returncode != 0
    assert "does not emulate the resource type AWS::Braket::Nothing" in broken.stdout + broken.stderr
    assert app.output("Value") == "two-"

    assert app.run("destroy", "--force").returncode == 0
    assert left_behind(before, app.cloud.admin("inventory")["inventory"]) == {}


@pytest.mark.e2e
def test_a_first_deploy_that_fails_says_why_and_the_next_one_recovers(app: SmallApp) -> None:
    failed = app.deploy(broken="yes")
    assert failed.returncode != 0
    assert "AWS::Braket::Nothing" in failed.stdout + failed.stderr
    assert app.deploy().returncode == 0
    assert app.output("Value") == "one-"


@pytest.mark.e2e
def test_parameters_stay_until_they_are_given_again(app: SmallApp) -> None:
    assert app.deploy("--parameters", f"{app.prefix}-base:Size=big").returncode == 0
    assert app.output("Value") == "one-big"
    assert app.deploy(value="two").returncode == 0
    assert app.output("Value") == "two-big"
    assert app.deploy("--parameters", f"{app.prefix}-base:Size=", value="two").returncode == 0
    assert app.output("Value") == "two-"
    refused = app.deploy("--parameters", f"{app.prefix}-base:Size=much-too-long")
    assert refused.returncode != 0
    assert "Size" in refused.stdout + refused.stderr


@pytest.mark.e2e
def test_another_account_and_region_with_the_real_command(cloud: Cloud, tmp_path: Path) -> None:
    account, region = "444444444444", "eu-central-1"
    where = {"AWS_ACCESS_KEY_ID": account, "AWS_REGION": region, "AWS_DEFAULT_REGION": region}
    assert cloud.cdk("bootstrap", f"aws://{account}/{region}", env=where).returncode == 0
    arguments = ("--all", "--app", APP, "--output", str(tmp_path / "cdk.out"), "-c", "prefix=far")
    done = cloud.cdk("deploy", *arguments, "--require-approval", "never", env=where)
    assert done.returncode == 0, done.stdout + done.stderr
    stacks = cloud.client("cloudformation", account=account, region=region).describe_stacks()["Stacks"]
    roots = {stack["StackName"] for stack in stacks if "RootId" not in stack}
    assert roots == {"CDKToolkit", "far-base", "far-user"}
    nested = [stack["StackName"] for stack in stacks if "RootId" in stack]
    assert [name.partition("-Inside")[0] for name in nested] == ["far-base"]
    assert all(stack["StackId"].split(":")[3:5] == [region, account] for stack in stacks)


@pytest.mark.e2e
def test_the_whole_app_is_what_its_templates_say(deployment: Deployed) -> None:
    stacks = [path.name.removesuffix(".template.json") for path in deployment.assembly.glob("*.template.json")]
    assert len(stacks) >= 5
    for stack in stacks:
        resources = deployment.cloud.admin("verify", stack=stack)["resources"]
        assert resources
        assert [item for item in resources if item["problem"] or item["differences"]] == []


@pytest.mark.e2e
def test_a_deploy_of_the_whole_app_without_changes_changes_nothing(deployment: Deployed) -> None:
    done = deployment.cloud.cdk("deploy", "--all", "--app", str(deployment.assembly))
    assert done.returncode == 0
    assert done.stderr.count("(no changes)") >= 5


@pytest.mark.e2e
def test_the_differences_of_the_whole_app_to_itself_are_none(deployment: Deployed) -> None:
    done = deployment.cloud.cdk("diff", "--all", "--app", str(deployment.assembly))
    assert "Number of stacks with differences: 0" in done.stderr
