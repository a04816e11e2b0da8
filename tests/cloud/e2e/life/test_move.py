"""`yard move`: what CloudFormation refuses in one deploy is done in steps, with the real CDK command."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.conftest import ACCOUNT, Cloud
from tests.support.cloud.yard_command import ROOT, Yard
from yard.errors import Exit

pytestmark = pytest.mark.e2e
_EXISTING = {"network.kind": "existing", "network.vpc_id": "vpc-0123456789abcdef0"}
_EXISTING |= {"network.subnet_ids": "subnet-0123456789abcdef0,subnet-0123456789abcdef1"}
_APP = """\
import json
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_ssm as ssm
from aws_cdk import aws_stepfunctions as sfn

app = cdk.App()
kind = app.node.try_get_context("network.kind")
project = app.node.try_get_context("project")
vpc = app.node.try_get_context("network.vpc_id") if kind == "existing" else "none"
if kind in ("new", "existing"):
    network = cdk.Stack(app, f"{project}-dev-network")
    ssm.CfnParameter(network, "Kept", type="String", value=kind)
    if kind == "new":
        vpc = ec2.CfnVPC(network, "Vpc", cidr_block="10.0.0.0/16").ref
SERVICES = ["sagemaker.amazonaws.com", "states.amazonaws.com"]
TRUST = {"Effect": "Allow", "Principal": {"Service": SERVICES}, "Action": "sts:AssumeRole"}
for part, jobs in json.loads(Path("plan.json").read_text()).items():
    stack = cdk.Stack(app, f"{project}-dev-{part}")
    ssm.CfnParameter(stack, "Uses", type="String", value=vpc)
    role = iam.CfnRole(stack, "Role", assume_role_policy_document={"Version": "2012-10-17", "Statement": [TRUST]})
    if part == "notebooks":
        (subnet, group), jobs = jobs, ()
        sagemaker.CfnNotebookInstance(stack, "Ann", instance_type="ml.t3.medium", role_arn=role.attr_arn,
                                      subnet_id=subnet, security_group_ids=[group],
                                      notebook_instance_name=f"{project}-dev-ann")
    for job in jobs:
        # as in the project's own: a definition names what is of its stack
        wait = {"Type": "Wait", "Seconds": 600, "End": True}
        states = {"Comment": stack.stack_name, "StartAt": "A", "States": {"A": wait}}
        sfn.CfnStateMachine(stack, job.title(), role_arn=role.attr_arn, definition_string=json.dumps(states),
                            state_machine_name=f"{project}-dev-{job}")
cdk.Tags.of(app).add("project", project)
cdk.Tags.of(app).add("stage", "dev")
app.synth()
"""


class Moving:
    """A project whose stacks are as a file says."""

    def __init__(self, cloud: Cloud, folder: Path, plan: Mapping[str, Sequence[str]], **context: Any) -> None:
        self.cloud, self.folder, self.name = cloud, folder, folder.name
        (folder / "jobs").mkdir(parents=True)
        (folder / "app.py").write_text(_APP)
        (folder / "node_modules").symlink_to(ROOT / "node_modules")
        self.yard = Yard(env=cloud.env, folder=folder)
        self.change(plan, **context)
        done = self.deploy()
        assert done.returncode == 0, done.stderr

    def change(self, plan: Mapping[str, Sequence[str]], **context: Any) -> None:
        settings = {"app": f"{sys.executable} app.py", "context": {"project": self.name, **context}}
        (self.folder / "cdk.json").write_text(json.dumps(settings))
        (self.folder / "plan.json").write_text(json.dumps(plan))

    def deploy(self, *stacks: str) -> Any:
        arguments = ("deploy", *(stacks or ("--all",)), "--require-approval", "never")
        return self.cloud.cdk(*arguments, root=self.folder)

    def where(self, job: str) -> str:
        machine = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:{self.name}-dev-{job}"
        api = self.cloud.client("cloudformation")
        found = api.describe_stack_resources(PhysicalResourceId=machine)["StackResources"]
        return str(found[0]["StackName"]).rpartition("-dev-")[2]


@pytest.mark.parametrize(
    ("before", "after", "commands"),
    [
        (
            {"training": ["a"], "training-2": ["b"]},
            {"training": ["a", "b"], "training-2": []},
            ["npx cdk deploy NAME-dev-training-2 --exclusively", "npx cdk deploy --all"],
        ),
        (
            {"training": ["a"], "old": ["b"]},
            {"training": ["a"], "new": ["b"]},
            ["aws cloudformation delete-stack --stack-name NAME-dev-old", "npx cdk deploy --all"],
        ),
    ],
    ids=["back", "renamed"],
)
def test_a_job_moves_to_another_stack(
    bootstrapped_cloud: Cloud,
    tmp_path: Path,
    before: Any,
    after: Any,
    commands: list[str],
    request: pytest.FixtureRequest,
) -> None:
    name = request.node.callspec.id
    project = Moving(bootstrapped_cloud, tmp_path / name, before, **{"network.kind": "none"})
    assert "One deploy does it: npx cdk deploy --all" in project.yard("move").stderr
    project.change(after, **{"network.kind": "none"})
    # By name: which of two stacks that need not wait for each other goes first, the command leaves to chance
    refused = project.deploy(f"{name}-dev-{'training' if name == 'back' else 'new'}")
    assert refused.returncode != 0, "CloudFormation takes it in one step: there is no need for this command"
    rows = project.yard.json("move", "--dry-run", "--json")
    assert [row["command"] for row in rows] == [command.replace("NAME", name) for command in commands]
    project.yard("move", "--yes")
    assert project.where("b") == ("training" if name == "back" else "new")
    assert "One deploy does it" in project.yard("move").stderr


def test_a_job_that_runs_is_not_moved(bootstrapped_cloud: Cloud, tmp_path: Path) -> None:
    project = Moving(
        bootstrapped_cloud, tmp_path / "busy", {"training": [], "second": ["b"]}, **{"network.kind": "none"}
    )
    states = bootstrapped_cloud.client("stepfunctions")
    machine = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:busy-dev-b"
    run = states.start_execution(stateMachineArn=machine, name="20261121-073000-a1b2")["executionArn"]
    project.change({"training": ["b"], "second": []}, **{"network.kind": "none"})
    said = project.yard("move", "--yes", code=Exit.FIX).stderr
    assert "20261121-073000-a1b2 still runs" in said and "yard stop 20261121-073000-a1b2" in said
    assert project.where("b") == "second"
    states.stop_execution(executionArn=run)


def test_a_new_vpc_becomes_an_existing_one(bootstrapped_cloud: Cloud, tmp_path: Path) -> None:
    plan = {"training": ["a"]}
    project = Moving(bootstrapped_cloud, tmp_path / "vpc", plan, **{"network.kind": "new"})
    project.change(plan, **_EXISTING)
    # By name: which of two stacks that need not wait for each other goes first, the command leaves to chance
    refused = project.deploy("vpc-dev-network")
    assert refused.returncode != 0 and "in use by vpc-dev-training" in refused.stdout + refused.stderr
    said = project.yard("move", "--yes")
    assert "Step 1 of 2: npx cdk deploy --all -c network.kind=none" in said.stderr
    assert "vpc-dev-training leave the VPC; a launch meanwhile runs outside of it" in said.stdout
    ssm = bootstrapped_cloud.client("ssm")
    names = [one["Name"] for page in ssm.get_paginator("describe_parameters").paginate() for one in page["Parameters"]]
    assert "vpc-0123456789abcdef0" in {ssm.get_parameter(Name=name)["Parameter"]["Value"] for name in names}
    assert "One deploy does it" in project.yard("move").stderr


def test_notebook_instances_move_to_another_subnet(bootstrapped_cloud: Cloud, tmp_path: Path) -> None:
    ec2 = bootstrapped_cloud.client("ec2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnets = [one["SubnetId"] for one in ec2.describe_subnets()["Subnets"] if one["VpcId"] == vpc]
    groups = [one["GroupId"] for one in ec2.describe_security_groups()["SecurityGroups"] if one["VpcId"] == vpc]
    none = {"network.kind": "none"}
    project = Moving(bootstrapped_cloud, tmp_path / "desks", {"notebooks": [subnets[0], groups[0]]}, **none)
    project.change({"notebooks": [subnets[1], groups[0]]}, **none)
    refused = project.deploy()
    assert refused.returncode != 0 and "duplicate NotebookInstance" in refused.stdout + refused.stderr
    (delete, _) = project.yard.json("move", "--dry-run", "--json")
    assert delete["command"].endswith("delete-stack --stack-name desks-dev-notebooks")
    assert "desks-dev-ann cannot change in place" in delete["why"] and "the disks go" in delete["why"]
    project.yard("move", "--yes")
    sagemaker = bootstrapped_cloud.client("sagemaker")
    assert sagemaker.describe_notebook_instance(NotebookInstanceName="desks-dev-ann")["SubnetId"] == subnets[1]
    assert "One deploy does it" in project.yard("move").stderr
