"""A new service is one folder: put into a copy of the cloud, it answers, deploys, is delivered to, listed and guarded.

Nothing else of the copy changes. The folder is `tests/support/cloud/pretend`.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded import lifecycle
from tests.cloud.conftest import ACCOUNT, REGION, ROOT, Cloud
from tests.support.cloud.in_process import policy, until

COPIED = ("contract", "constructs/shardyard", "embedded")
FOLDER = "embedded/services/pretend"
PLAN = {"incidentTemplate": {"title": "Training failed", "impact": 3}}
TEMPLATE = {
    "Resources": {
        "Plan": {
            "Type": "AWS::SSMIncidents::ResponsePlan",
            "Properties": {"Name": "deployed", "IncidentTemplate": {"Title": "Deployed", "Impact": 2}},
        }
    },
    "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Plan", "Arn"]}}},
}


def plan_arn(name: str) -> str:
    return f"arn:aws:ssm-incidents::{ACCOUNT}:response-plan/{name}"


def digests(root: Path) -> dict[str, str]:
    """Every source file below the copied folders, and what is in it."""
    files = [path for name in COPIED for path in sorted((root / name).rglob("*")) if path.is_file()]
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cloud as it stands, and one folder more."""
    copy = tmp_path_factory.mktemp("copy")
    for name in COPIED:
        shutil.copytree(ROOT / name, copy / name)
    without_compiled = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "tests/support/cloud/pretend", copy / FOLDER, ignore=without_compiled)
    return copy


@pytest.fixture(scope="module")
def cloud(copied: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The copy's own process, with IAM enforced."""
    state = tmp_path_factory.mktemp("state")
    arguments = ("--state", state, "--log", state / "cloud.log", "--project", copied)
    with (state / "cloud.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "embedded.server", *map(str, arguments)],
            cwd=copied,
            env=os.environ | {"PYTHONPATH": os.pathsep.join((str(copied), str(copied / "constructs")))},
            stdout=log,
            stderr=log,
        )
    try:
        running = until(lambda: lifecycle.status(state) or process.poll() is not None, lifecycle.READY_SECONDS)
        assert isinstance(running, lifecycle.CloudState), (state / "cloud.log").read_text()
        found = Cloud(state=running, folder=state)
        found.admin("enforce-iam", on=True)
        yield found
    finally:
        process.terminate()
        process.wait(lifecycle.STOP_SECONDS)


def role(cloud: Cloud, name: str, trusted: dict[str, str], *allowed: str) -> str:
    """A role with these actions on every resource, or with no policy at all."""
    iam = cloud.client("iam")
    trust = policy({"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"})
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    if allowed:
        document = policy({"Effect": "Allow", "Action": list(allowed), "Resource": "*"})
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=document)
    return arn


def test_the_operation_answers_and_the_inventory_lists_what_it_made(cloud: Cloud) -> None:
    incidents = cloud.client("ssm-incidents")
    assert incidents.create_response_plan(name="made", **PLAN)["arn"] == plan_arn("made")
    assert incidents.get_response_plan(arn=plan_arn("made"))["incidentTemplate"] == PLAN["incidentTemplate"]
    assert plan_arn("made") in cloud.admin("inventory")["inventory"]["response plans"]
    with pytest.raises(ClientError) as refused:
        incidents.get_response_plan(arn=plan_arn("missing"))
    assert refused.value.response["Error"] == {
        "Code": "ResourceNotFoundException",
        "Message": f"Response plan {plan_arn('missing')} does not exist",
    }
    with pytest.raises(ClientError, match="does not emulate ssm-incidents:ListReplicationSets"):
        incidents.list_replication_sets()


def test_a_stack_makes_the_resource_and_takes_it_away(cloud: Cloud) -> None:
    stacks = cloud.client("cloudformation")
    stacks.create_stack(StackName="incidents", TemplateBody=json.dumps(TEMPLATE))
    stacks.get_waiter("stack_create_complete").wait(StackName="incidents", WaiterConfig={"Delay": 1})
    (stack,) = stacks.describe_stacks(StackName="incidents")["Stacks"]
    assert stack["Outputs"] == [{"OutputKey": "Arn", "OutputValue": plan_arn("deployed")}]
    (verified,) = cloud.admin("verify", stack="incidents")["resources"]
    assert verified["compared"] == ["IncidentTemplate", "Name"]
    assert verified["problem"] is None and verified["differences"] == []
    stacks.delete_stack(StackName="incidents")
    stacks.get_waiter("stack_delete_complete").wait(StackName="incidents", WaiterConfig={"Delay": 1})
    assert plan_arn("deployed") not in plans(cloud)


def plans(cloud: Cloud) -> list[str]:
    found = cloud.client("ssm-incidents").list_response_plans()["responsePlanSummaries"]
    return [item["arn"] for item in found]


def test_a_rule_delivers_to_it_in_the_name_of_a_role_that_may(cloud: Cloud) -> None:
    events, incidents = cloud.client("events"), cloud.client("ssm-incidents")
    target = incidents.create_response_plan(name="called", **PLAN)["arn"]
    trusted = {"Service": "events.amazonaws.com"}
    able, unable = (
        role(cloud, "incidents-able", trusted, "ssm-incidents:StartIncident"),
        role(cloud, "incidents-unable", trusted),
    )
    for name, arn in (("able", able), ("unable", unable)):
        events.put_rule(Name=name, EventPattern=json.dumps({"source": [f"test.{name}"]}))
        events.put_targets(Rule=name, Targets=[{"Id": "plan", "Arn": target, "RoleArn": arn, "Input": f'"{name}"'}])
        events.put_events(Entries=[{"Source": f"test.{name}", "DetailType": "failed", "Detail": "{}"}])
    until(lambda: any(item["target"] == target for item in cloud.admin("dropped")["dropped"]))
    until(lambda: incidents.list_incident_records()["incidentRecordSummaries"])
    (incident,) = incidents.list_incident_records()["incidentRecordSummaries"]
    assert incident["title"] == '"able"'
    (dropped,) = [item for item in cloud.admin("dropped")["dropped"] if item["target"] == target]
    assert dropped["reason"] == f"{unable} is not allowed ssm-incidents:StartIncident on {target}"


def test_iam_denies_it_to_a_role_without_the_permission(cloud: Cloud) -> None:
    trusted = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    allowed = cloud.as_role("ssm-incidents", role(cloud, "planner", trusted, "ssm-incidents:CreateResponsePlan"))
    denied = cloud.as_role("ssm-incidents", role(cloud, "reader", trusted, "ssm-incidents:ListResponsePlans"))
    allowed.create_response_plan(name="by-planner", **PLAN)
    with pytest.raises(ClientError) as refused:
        denied.create_response_plan(name="by-reader", **PLAN)
    error: dict[str, Any] = refused.value.response["Error"]
    assert error["Code"] == "AccessDeniedException"
    action = f"ssm-incidents:CreateResponsePlan on resource: {plan_arn('by-reader')}"
    assert f"reader/test is not authorized to perform: {action} because no identity-based policy" in error["Message"]
    assert plan_arn("by-planner") in plans(cloud) and plan_arn("by-reader") not in plans(cloud)


def test_a_state_machine_calls_it_by_its_sdk_name(cloud: Cloud) -> None:
    machines = cloud.client("stepfunctions", region=REGION)
    arn = role(cloud, "machine", {"Service": "states.amazonaws.com"}, "ssm-incidents:GetResponsePlan")
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:ssmincidents:getResponsePlan",
        "Arguments": {"Arn": plan_arn("missing")},
        "End": True,
    }
    definition = json.dumps({"QueryLanguage": "JSONata", "StartAt": "Get", "States": {"Get": task}})
    machine = machines.create_state_machine(name="incidents", definition=definition, roleArn=arn)["stateMachineArn"]
    run = machines.start_execution(stateMachineArn=machine)["executionArn"]
    ended = until(lambda: (found := machines.describe_execution(executionArn=run))["status"] != "RUNNING" and found)
    assert (ended["status"], ended["error"]) == ("FAILED", "SsmIncidents.ResourceNotFoundException")


def test_nothing_but_the_folder_was_added(copied: Path, cloud: Cloud) -> None:
    ours, theirs = digests(ROOT), digests(copied)
    added = theirs.keys() - ours.keys()
    assert {path.rpartition("/")[0] for path in added} == {FOLDER}
    assert {path: theirs.get(path) for path in ours} == ours
    assert len(ours) > len(added) > 5
