"""Who may launch what: one policy for people's roles, and a ledger where owners have a cap."""

import json
from typing import Any

from checks.asl.definitions import definitions, whole_template
from checks.rules.model import Assembly, Resource
from tests.support.templates import Scenario

MOST_CHARACTERS = 6144
"""Of a managed policy, blanks not counted."""


def launch_policies(assembly: Assembly) -> list[Resource]:
    policies = assembly.resources("AWS::IAM::ManagedPolicy")
    return [one for one in policies if "-launch-" in str(one.properties.get("ManagedPolicyName", ""))]


def about(policy: Resource, action: str) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = policy.properties["PolicyDocument"]["Statement"]
    return [one for one in statements if action in one["Action"]]


def test_a_launch_and_a_stop_need_the_callers_tag_to_be_the_machines_owner(scenario: Scenario) -> None:
    (policy,) = launch_policies(scenario("everything on").assembly)
    name = policy.properties["ManagedPolicyName"]
    assert name == {"Fn::Join": ["", ["shardyard-dev-launch-", {"Ref": "AWS::Region"}]]}
    for action in ("states:StartExecution", "states:StopExecution"):
        (statement,) = about(policy, action)
        wanted = {"aws:ResourceTag/owner": "${aws:PrincipalTag/team}", "aws:ResourceTag/project": "shardyard"}
        assert wanted.items() <= statement["Condition"]["StringEquals"].items()
    assert len(json.dumps(policy.properties["PolicyDocument"])) < MOST_CHARACTERS


def test_without_the_setting_there_is_no_such_policy(scenario: Scenario) -> None:
    assert launch_policies(scenario("dev").assembly) == []


def ledger_rights(assembly: Assembly) -> dict[str, list[str]]:
    """What each policy may do with the ledger."""
    found = {}
    for policy in assembly.resources("AWS::IAM::ManagedPolicy"):
        statements = policy.properties["PolicyDocument"]["Statement"]
        rights = [one["Action"] for one in statements if "/ledger/*" in json.dumps(one["Resource"])]
        if rights:
            found[policy.logical_id] = rights[0]
    return found


def test_only_a_project_with_caps_enters_launches(scenario: Scenario) -> None:
    assert ledger_rights(scenario("dev").assembly) == {}
    rights = ledger_rights(scenario("everything on").assembly)
    by_step = {step: rights[name] for name in rights for step in ("Preflight", "Receipt", "Janitor") if step in name}
    assert {step: sorted(actions) for step, actions in by_step.items()} == {
        "Preflight": ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
        "Receipt": ["s3:GetObject", "s3:PutObject"],
        "Janitor": ["s3:GetObject", "s3:PutObject"],
    }


def test_a_machine_carries_the_cap_of_its_owner(scenario: Scenario) -> None:
    written = scenario("everything on").folder.glob("*.template.json")
    machines = [machine for path in written for machine in definitions(whole_template(path)).values()]
    caps = {one["States"]["Preflight"]["Parameters"]["Payload"]["owner_cap_usd"] for one in machines}
    assert caps == {2000}, "the project's owner is the platform team, and no job has one of its own"
